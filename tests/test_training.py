"""Training: exact continuation, horizons, fused optimizers, shared graphs."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from fmsearch.models.backend import keras, tf
from fmsearch.models.cross_validation import cross_validate
from fmsearch.models.data import load_training
from fmsearch.models.families import FAMILIES
from fmsearch.models.network import Network, Pixels, Variables
from fmsearch.models.optimizers import make_optimizer
from fmsearch.models.settings import OPTIMIZERS
from fmsearch.models.split import Fold, cut_folds
from fmsearch.models.training import Epoch, FitState, fit

ARCHITECTURE = {"hidden_units": 16, "layers": 2, "dropout_rate": 0.3}


@pytest.fixture(scope="module")
def pixels(images: Path) -> Pixels:
    return Pixels(load_training(str(images)), classes=10)


@pytest.fixture(scope="module")
def fold() -> Fold:
    rows = np.random.default_rng(0).permutation(2400).astype(np.int32)
    return Fold(rows[:500], rows[500:800])


def make_network(
    pixels: Pixels, optimizer: str = "adam", architecture: Mapping[str, float] = ARCHITECTURE
) -> Network:
    return Network(pixels, "mlp", architecture, batch_size=64, optimizer=optimizer)


def numbers(history: list[Epoch]) -> list[tuple[object, ...]]:
    """What an epoch measured, without when."""
    return [(e.epoch, e.train_loss, e.train_accuracy, e.val_loss, e.val_accuracy) for e in history]


def assert_same(one: Variables, other: Variables) -> None:
    for left, right in zip(one, other, strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_fit_continued_elsewhere_equals_an_uninterrupted_one_bit_for_bit(
    pixels: Pixels, fold: Fold, optimizer: str, tmp_path: Path
) -> None:
    whole, first, second = (make_network(pixels, optimizer) for _ in range(3))
    expected = [epoch for epoch, _ in fit(whole, fold, 7, epochs=5)]

    begun = [epoch for epoch, _ in fit(first, fold, 7, epochs=2)]
    FitState(tuple(begun), first.state()).save(tmp_path / "state.npz")
    start = FitState.load(tmp_path / "state.npz")
    rest = [epoch for epoch, _ in fit(second, fold, 7, epochs=5, start=start)]

    assert numbers([*start.history, *rest]) == numbers(expected)
    assert_same(second.state(), whole.state())


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_fused_step_equals_the_keras_optimizer(optimizer: str) -> None:
    start = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)
    gradients = np.random.default_rng(1)
    ours, theirs = keras.Variable(start), keras.Variable(start)
    _, step = make_optimizer(optimizer, [ours])
    step = tf.function(step)
    keras_optimizer = keras.optimizers.get(optimizer)
    for _ in range(20):
        gradient = tf.constant(gradients.normal(size=(3, 4)), tf.float32)
        step([gradient])
        keras_optimizer.apply([gradient], [theirs])
    # The same formula in another order of operations: float32 rounds at 1e-7.
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=0, atol=2e-6)
    assert not np.allclose(ours.numpy(), start, atol=1e-3)


def test_a_horizon_of_a_longer_training_equals_a_training_of_that_length(pixels: Pixels) -> None:
    folds = cut_folds(np.arange(600, dtype=np.int32), 3)
    network = make_network(pixels)
    both, _ = cross_validate(network, folds, 5, horizons=[2, 4])
    for horizon in (2, 4):
        outcomes, error = cross_validate(make_network(pixels), folds, 5, horizons=[horizon])
        alone = outcomes[horizon]
        assert error == ""
        assert both[horizon].scores == alone.scores
        assert numbers([*both[horizon].history]) == numbers([*alone.history])
        assert_same(both[horizon].median_fold.weights, alone.median_fold.weights)
        np.testing.assert_array_equal(both[horizon].confusion, alone.confusion)


def test_where_a_fit_diverges_the_horizons_before_are_scored(
    pixels: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = make_network(pixels)
    folds = cut_folds(np.arange(600, dtype=np.int32), 3)
    expected, _ = cross_validate(network, folds, 5, horizons=[2])
    # No optimizer of these diverges at its default rate: a bias is made infinite by hand.
    train, fits = network.train_epoch, []

    def train_and_break(rows: np.ndarray, seed: int, epoch: int) -> tuple[float, float]:
        fits.append(seed)
        if epoch == 3 and len(set(fits)) == 2:
            network.model.trainable_variables[-1].assign(np.full(10, np.inf))
        return train(rows, seed, epoch)

    monkeypatch.setattr(network, "train_epoch", train_and_break)
    outcomes, error = cross_validate(network, folds, 5, horizons=[2, 4])
    assert error == "the loss is nan in epoch 3 of fold 2"
    assert list(outcomes) == [2]
    assert outcomes[2].scores == expected[2].scores


def test_a_network_used_before_gives_the_numbers_of_a_fresh_one(pixels: Pixels, fold: Fold) -> None:
    used = make_network(pixels)
    list(fit(used, fold, 1, epochs=2))
    other = {**ARCHITECTURE, "dropout_rate": 0.1}
    used.architecture = other
    again = [epoch for epoch, _ in fit(used, fold, 2, epochs=2)]
    fresh = [epoch for epoch, _ in fit(make_network(pixels, "adam", other), fold, 2, epochs=2)]
    assert numbers(again) == numbers(fresh)


def test_networks_with_equal_graphs_differ_only_in_their_dropout_rates() -> None:
    family = FAMILIES["mlp"]
    base = family.complete({"dropout_rate": 0.2})
    assert family.graph(base) == family.graph({**base, "dropout_rate": 0.3, "epochs": 3})
    for change in ({"dropout_rate": 0.0}, {"batch_size": 7}, {"optimizer": "sgd"}, {"layers": 1}):
        assert family.graph(base) != family.graph({**base, **change})


def test_seeds_change_weights_order_and_masks(pixels: Pixels, fold: Fold) -> None:
    network = make_network(pixels)
    runs = [numbers([e for e, _ in fit(network, fold, seed, epochs=1)]) for seed in (1, 2, 1)]
    assert runs[0] == runs[2] != runs[1]


def test_dropout_drops_the_asked_share_and_keeps_the_mean(pixels: Pixels) -> None:
    network = make_network(pixels, architecture={**ARCHITECTURE, "hidden_units": 64})
    network.initialize(3)
    (layer, _) = [one for one in network.model.layers if isinstance(one, keras.layers.Dropout)]
    dropped = np.array(layer(tf.ones([2000, 64]), training=True))
    # 128,000 draws at rate 0.3: one standard deviation of the share is 0.0013.
    assert np.mean(dropped == 0) == pytest.approx(0.3, abs=0.006)
    np.testing.assert_allclose(np.unique(dropped), [0, 1 / 0.7], rtol=1e-4)  # 16-bit rates
    rows = (dropped == 0).astype(float)
    # Rows are independent: their correlation has a standard deviation of 1/8 over 64 units.
    assert abs(np.corrcoef(rows[:200])[np.triu_indices(200, 1)].mean()) < 0.01
    assert np.array(layer(tf.ones([4, 64]), training=False)).tolist() == np.ones((4, 64)).tolist()


def test_masks_differ_from_step_to_step_and_layer_to_layer(pixels: Pixels) -> None:
    network = make_network(pixels, architecture={**ARCHITECTURE, "hidden_units": 64})
    network.initialize(3)
    first, second = (one for one in network.model.layers if isinstance(one, keras.layers.Dropout))
    ones = tf.ones([100, 64])
    before = np.array(first(ones, training=True))
    assert not np.array_equal(before, np.array(second(ones, training=True)))
    network._optimizer.iterations.assign_add(1)
    assert not np.array_equal(before, np.array(first(ones, training=True)))


def test_accuracy_agrees_with_keras_own_prediction(pixels: Pixels, fold: Fold) -> None:
    network = make_network(pixels)
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
    network = make_network(pixels, architecture={**ARCHITECTURE, "dropout_rate": 0.0})
    *_, (last, _) = fit(network, Fold(rows[:1800], rows[1800:]), 1, epochs=5)
    assert last.val_accuracy is not None
    assert last.val_accuracy > 0.6  # ten classes; guessing has 0.1


def test_a_fit_without_validation_images_measures_training_only(pixels: Pixels, fold: Fold) -> None:
    everything = Fold(fold.train, fold.train[:0])
    ((epoch, evaluation),) = fit(make_network(pixels), everything, 1, epochs=1)
    assert evaluation is None
    assert epoch.val_accuracy is None
    assert epoch.train_loss > 0


@pytest.mark.parametrize(
    ("settings", "count"), [({"layers": 2}, 109_386), ({"layers": 1}, 101_770)]
)
def test_the_published_perceptrons_have_the_published_numbers_of_parameters(
    settings: dict[str, int], count: int
) -> None:
    architecture = {"hidden_units": 128, "dropout_rate": 0.2, **settings}
    assert FAMILIES["mlp"].build((28, 28), 10, **architecture).count_params() == count
