"""Training: exact continuation, shared graphs, smoothed labels."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from fmsearch.models.checkpoint import Checkpoint
from fmsearch.models.data import load_training
from fmsearch.models.dropout import rates_of
from fmsearch.models.families import FAMILIES
from fmsearch.models.fold_training import Progress
from fmsearch.models.network import Network, Pixels, Variables
from fmsearch.models.quiet_tensorflow import keras, tf
from fmsearch.models.settings import OPTIMIZERS, Value
from fmsearch.models.split import Fold
from fmsearch.models.training import Epoch, FitState, fit

SMALL: dict[str, Value] = {
    "hidden_units": 16,
    "layers": 2,
    "dropout_rate": 0.3,
    "batch_size": 64,
}
EVERYTHING: dict[str, Value] = {
    "dropout_rate": 0.3,
    "schedule": "cosine",
    "warmup_epochs": 1,
    "momentum": 0.9,
    "weight_decay": 0.01,
    "label_smoothing": 0.1,
    "class_weight": "balanced",
    "flip": True,
    "shift": 2,
    "erase": 0.2,
}
"""What a training can have, all at once."""
SMALL_CNN: dict[str, Value] = {
    "depth": 2,
    "filters_1": 4,
    "filters_2": 4,
    "batch_norm": "each",
    "norm_block": 1,
    "dense_units": 8,
    "dense_dropout": 0.2,
    "batch_size": 64,
}


@pytest.fixture(scope="module")
def pixels(images: Path) -> Pixels:
    return Pixels(load_training(str(images)), classes=10)


@pytest.fixture(scope="module")
def network(pixels: Pixels) -> Network:
    """One for tests of any small perceptron: each fit overwrites it."""
    return make_network(pixels)


@pytest.fixture(scope="module")
def fold() -> Fold:
    rows = np.random.default_rng(0).permutation(2400).astype(np.int32)
    return Fold(rows[:500], rows[500:800])


def make_network(pixels: Pixels, family: str = "mlp", **settings: Value) -> Network:
    known = SMALL if family == "mlp" else SMALL_CNN
    return Network(pixels, FAMILIES[family], FAMILIES[family].complete({**known, **settings}))


def numbers(history: list[Epoch]) -> list[tuple[object, ...]]:
    """What an epoch measured, without when."""
    return [(e.epoch, e.train_loss, e.train_accuracy, e.val_loss, e.val_accuracy) for e in history]


def assert_same(one: Variables, other: Variables) -> None:
    for left, right in zip(one, other, strict=True):
        np.testing.assert_array_equal(left, right)


def through_a_file(state: FitState, path: Path) -> FitState:
    """What another process reads of a state."""
    Checkpoint(path, every=0).keep(Progress(1, state, {}))
    read = Checkpoint(path, every=0).load()
    assert read is not None
    return read.state


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_fit_continued_elsewhere_equals_an_uninterrupted_one_bit_for_bit(
    pixels: Pixels, fold: Fold, optimizer: str, tmp_path: Path
) -> None:
    here, elsewhere = (make_network(pixels, optimizer=optimizer) for _ in range(2))
    begun = [epoch for epoch, _ in fit(here, fold, 7, epochs=2)]
    start = through_a_file(FitState(tuple(begun), here.state()), tmp_path / "state.npz")
    rest = [epoch for epoch, _ in fit(elsewhere, fold, 7, epochs=5, start=start)]

    expected = [epoch for epoch, _ in fit(here, fold, 7, epochs=5)]
    assert numbers([*start.history, *rest]) == numbers(expected)
    assert_same(elsewhere.weights(), here.weights())
    both = zip(elsewhere.state(), here.state(), strict=True)
    different = [ours for ours, theirs in both if not np.array_equal(ours, theirs)]
    assert different == [2 * 8]  # the planned number of steps, which a constant rate never heeds


@pytest.mark.parametrize(
    ("family", "choice"),
    [
        *(("mlp", {"optimizer": name, "batch_norm": True}) for name in OPTIMIZERS),
        ("cnn", {"optimizer": "adamw", "batch_norm": "each"}),
        ("resnet", {"optimizer": "adamw", "stages": 2, "width": 4, "stochastic_depth": 0.3}),
    ],
    ids=lambda one: str(one.get("optimizer") if isinstance(one, dict) else one),
)
def test_a_fit_with_every_setting_goes_on_from_its_state_bit_for_bit(
    pixels: Pixels, fold: Fold, family: str, choice: dict[str, Value], tmp_path: Path
) -> None:
    settings = {**EVERYTHING, **choice}
    here, elsewhere = (make_network(pixels, family, **settings) for _ in range(2))
    begun = [epoch for epoch, _ in islice(fit(here, fold, 7, epochs=4), 2)]
    start = through_a_file(FitState(tuple(begun), here.state()), tmp_path / "state.npz")
    rest = [epoch for epoch, _ in fit(elsewhere, fold, 7, epochs=4, start=start)]

    expected = [epoch for epoch, _ in fit(here, fold, 7, epochs=4)]
    assert numbers([*start.history, *rest]) == numbers(expected)
    assert_same(elsewhere.state(), here.state())


def test_a_cosine_fit_differs_from_the_first_epochs_of_a_longer_one(
    pixels: Pixels, fold: Fold
) -> None:
    network = make_network(pixels, schedule="cosine")
    long = [epoch for epoch, _ in islice(fit(network, fold, 7, epochs=4), 2)]
    short = [epoch for epoch, _ in fit(network, fold, 7, epochs=2)]
    assert numbers(short)[1] != numbers(long)[1]


OTHER: dict[str, Value] = {
    "dropout_rate": 0.1,
    "learning_rate": 0.05,
    "momentum": 0.5,
    "weight_decay": 0.1,
    "warmup_epochs": 0,
    "label_smoothing": 0.3,
    "shift": 4,
    "erase": 0.5,
}
"""What two trainings may differ in that share a graph."""


def test_a_network_used_before_gives_the_numbers_of_a_fresh_one(pixels: Pixels, fold: Fold) -> None:
    used = make_network(pixels, optimizer="sgd", **EVERYTHING)
    list(fit(used, fold, 1, epochs=3))
    fresh = make_network(pixels, optimizer="sgd", **{**EVERYTHING, **OTHER})
    used.settings = fresh.settings
    again = [epoch for epoch, _ in fit(used, fold, 2, epochs=2)]
    assert numbers(again) == numbers([epoch for epoch, _ in fit(fresh, fold, 2, epochs=2)])
    assert_same(used.state(), fresh.state())
    assert rates_of(used.model) == rates_of(fresh.model)


def test_a_used_network_that_goes_on_from_a_state_is_saved_as_a_fresh_one(
    pixels: Pixels, fold: Fold
) -> None:
    fresh, used = (make_network(pixels, dropout_rate=rate) for rate in (0.1, 0.3))
    ((epoch, _),) = fit(fresh, fold, 2, epochs=1)
    used.settings = fresh.settings
    start = FitState((epoch,), fresh.state())
    for network in (fresh, used):
        list(fit(network, fold, 2, epochs=2, start=start))
    assert_same(used.state(), fresh.state())
    assert rates_of(used.model) == rates_of(fresh.model)


OF_FAMILIES: dict[str, tuple[str, dict[str, Value]]] = {
    "mlp": ("dropout_rate", {"layers": 1}),
    "cnn": ("dropout_rate", {"depth": 2}),
    "resnet": ("stochastic_depth", {"blocks": 2}),
}
"""The share that is dropped, and a setting of the size."""


@pytest.mark.parametrize("family", FAMILIES)
def test_settings_that_are_variables_share_a_graph_and_other_ones_do_not(family: str) -> None:
    every = FAMILIES[family]
    dropped, other_size = OF_FAMILIES[family]
    base = every.complete({**EVERYTHING, dropped: 0.3})
    assert every.graph(base) == every.graph({**base, **OTHER, "epochs": 3})
    for name in (dropped, "weight_decay", "label_smoothing", "shift", "erase"):
        assert every.graph(base) != every.graph({**base, name: 0})
    changes = [{"batch_size": 7}, {"optimizer": "sgd"}, {"schedule": "constant"}, {"flip": False}]
    for change in (*changes, other_size):
        assert every.graph(base) != every.graph({**base, **change})


def test_seeds_change_weights_order_and_masks(network: Network, fold: Fold) -> None:
    runs = [numbers([e for e, _ in fit(network, fold, seed, epochs=1)]) for seed in (1, 2, 1)]
    assert runs[0] == runs[2] != runs[1]


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_loss_is_the_cross_entropy_to_the_smoothed_labels(
    pixels: Pixels, fold: Fold, smoothing: float
) -> None:
    settings = {"label_smoothing": smoothing, "dropout_rate": 0.0, "batch_size": 500}
    network = make_network(pixels, **settings)
    network.initialize(4, fold.train, epochs=1)
    images, labels = (tf.gather(all_, fold.train) for all_ in (pixels.pixels, pixels.labels))
    answers = network.model.predict(images.numpy(), verbose=0).astype(float)
    truth = np.eye(10)[labels.numpy()] * (1 - smoothing) + smoothing / 10
    expected = -(truth * np.log(answers)).sum(axis=1).mean()
    # One batch of all images: the loss before the only step; summed in float32, good to 1e-6.
    loss, accuracy = network.train_epoch(fold.train, 4, 1)
    assert loss == pytest.approx(expected, rel=1e-5)
    assert accuracy == np.mean(answers.argmax(axis=1) == labels)


def test_smoothed_labels_change_what_is_learned_and_not_how_it_is_evaluated(
    pixels: Pixels, fold: Fold
) -> None:
    hard, smooth = (make_network(pixels, label_smoothing=share) for share in (0.0, 0.2))
    for network in (hard, smooth):
        list(fit(network, fold, 1, epochs=1))
    assert hard.evaluate(fold.validation).loss != smooth.evaluate(fold.validation).loss
    smooth.model.set_weights(hard.weights())
    assert hard.evaluate(fold.validation).loss == smooth.evaluate(fold.validation).loss


@pytest.mark.parametrize("family", FAMILIES)
def test_accuracy_agrees_with_keras_own_prediction(pixels: Pixels, fold: Fold, family: str) -> None:
    network = make_network(pixels, family)
    *_, (_, evaluation) = fit(network, fold, 1, epochs=2)
    assert evaluation is not None
    images = tf.gather(pixels.pixels, fold.validation).numpy()
    labels = tf.gather(pixels.labels, fold.validation).numpy()
    predicted = network.model.predict(images, verbose=0).argmax(axis=1)
    assert evaluation.accuracy == np.mean(predicted == labels)
    assert evaluation.confusion.sum() == 300
    expected = np.zeros((10, 10), int)
    np.add.at(expected, (labels, predicted), 1)
    np.testing.assert_array_equal(evaluation.confusion, expected)


def test_training_learns_from_real_images(pixels: Pixels) -> None:
    rows = np.random.default_rng(0).permutation(2400).astype(np.int32)
    network = make_network(pixels, dropout_rate=0.0)
    *_, (last, _) = fit(network, Fold(rows[:1800], rows[1800:]), 1, epochs=5)
    assert last.val_accuracy is not None
    assert last.val_accuracy > 0.6  # ten classes; guessing has 0.1


def test_a_fit_without_validation_images_measures_training_only(
    network: Network, fold: Fold
) -> None:
    everything = Fold(fold.train, fold.train[:0])
    ((epoch, evaluation),) = fit(network, everything, 1, epochs=1)
    assert evaluation is None
    assert epoch.val_accuracy is None
    assert epoch.train_loss > 0


def test_balanced_weights_are_scikit_learns_and_weigh_the_loss_as_keras_does(
    pixels: Pixels, fold: Fold
) -> None:
    labels = pixels.labels.numpy()
    first = fold.train[labels[fold.train] == 0][::5]
    rows = np.concatenate([first, fold.train[labels[fold.train] != 0]])  # class 0 is rare
    ours = make_network(
        pixels, class_weight="balanced", dropout_rate=0.0, batch_size=500, optimizer="sgd"
    )
    ours.initialize(4, rows, epochs=1)
    weights = compute_class_weight("balanced", classes=np.arange(10), y=labels[rows])
    theirs = keras.models.clone_model(ours.model)
    theirs.set_weights(ours.weights())
    theirs.compile(keras.optimizers.SGD(0.01), loss="sparse_categorical_crossentropy")
    loss = theirs.train_on_batch(
        pixels.pixels.numpy()[rows], labels[rows], class_weight=dict(enumerate(weights))
    )
    # One batch of all images, in another order: sums in float32 are good to 1e-6.
    assert ours.train_epoch(rows, 4, 1)[0] == pytest.approx(float(loss), rel=1e-5)
    for left, right in zip(ours.weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-7)


def test_balanced_weights_pass_over_a_class_that_is_not_there(pixels: Pixels, fold: Fold) -> None:
    labels = pixels.labels.numpy()
    rows = fold.train[labels[fold.train] != 3]
    network = make_network(pixels, class_weight="balanced")
    network.initialize(4, rows, epochs=1)
    expected = compute_class_weight("balanced", classes=np.unique(labels[rows]), y=labels[rows])
    np.testing.assert_allclose(np.delete(network.state()[-1], 3), expected, rtol=1e-6)
    assert np.isfinite(network.train_epoch(rows, 4, 1)[0])
