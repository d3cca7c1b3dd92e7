"""Random numbers: the fast seeding gives what the whole one gives; what no seed sets is refused."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from fmsearch.errors import FmsearchError
from fmsearch.models.data import load_training
from fmsearch.models.families import FAMILIES, Family
from fmsearch.models.fold_training import Scored, Training, train_and_score
from fmsearch.models.network import Network, Pixels
from fmsearch.models.quiet_tensorflow import keras, tf
from fmsearch.models.randomness import seed_everything
from fmsearch.models.settings import Scoring, Value
from fmsearch.models.split import Fold
from fmsearch.models.training import FitState, fit

ROWS = np.arange(500, dtype=np.int32)
FOLD = Fold(ROWS[:300], ROWS[300:])
FAMILY_SETTINGS: dict[str, dict[str, Value]] = {
    "mlp": {"hidden_units": 8, "layers": 2, "batch_norm": True},
    "cnn": {"depth": 2, "filters_1": 4, "filters_2": 4, "batch_norm": "each", "dense_units": 8},
    "resnet": {"stages": 2, "width": 4, "stochastic_depth": 0.3},
}
AUGMENTED: dict[str, Value] = {"flip": True, "shift": 2, "erase": 0.2, "label_smoothing": 0.1}
INITIALIZERS = (
    "random_normal", "random_uniform", "truncated_normal", "variance_scaling", "glorot_normal",
    "glorot_uniform", "he_normal", "he_uniform", "lecun_normal", "lecun_uniform", "orthogonal",
)  # fmt: skip


@pytest.fixture(scope="module")
def pixels(images: Path) -> Pixels:
    return Pixels(load_training(str(images)), 10)


def assert_equal(one: Scored, other: Scored) -> None:
    assert one.outcomes.keys() == other.outcomes.keys()
    for horizon, outcome in one.outcomes.items():
        for here, there in zip(outcome.folds, other.outcomes[horizon].folds, strict=True):
            assert here.score == there.score
            np.testing.assert_array_equal(here.confusion, there.confusion)
            for left, right in zip(here.weights, there.weights, strict=True):
                np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize(
    ("family", "optimizer", "scoring"),
    [
        ("mlp", "adam", Scoring.CROSS_VALIDATION),
        ("mlp", "sgd", Scoring.VALIDATION),
        ("cnn", "adamw", Scoring.CROSS_VALIDATION),
        ("cnn", "rmsprop", Scoring.VALIDATION),
        ("resnet", "adamw", Scoring.VALIDATION),
    ],
)
def test_the_fast_seeding_gives_the_numbers_of_the_whole_one(
    pixels: Pixels, family: str, optimizer: str, scoring: Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = FAMILIES[family]
    chosen = {**FAMILY_SETTINGS[family], **AUGMENTED, "dropout_rate": 0.2, "optimizer": optimizer}
    folds = [FOLD, Fold(ROWS[200:], ROWS[:200])][: 2 if scoring is Scoring.CROSS_VALIDATION else 1]
    training = Training(folds=folds, seed=3, horizons=[1, 2], scoring=scoring)
    network = Network(pixels, kind, kind.complete(chosen))
    fast = [train_and_score(network, training) for _ in range(2)]
    monkeypatch.setattr(
        "fmsearch.models.network.seed_everything",
        lambda _, seed: keras.utils.set_random_seed(seed),
    )
    whole = train_and_score(network, training)
    for one in fast:
        assert_equal(one, whole)


@pytest.mark.parametrize("initializer", INITIALIZERS)
@pytest.mark.parametrize("seed", [None, 5])
def test_keras_initializers_draw_the_same_with_either_seeding(
    initializer: str, seed: int | None
) -> None:
    def drawn(family: Family) -> np.ndarray:
        seed_everything(family, 11)
        made = keras.initializers.get({"class_name": initializer, "config": {"seed": seed}})
        layer = keras.layers.Dense(7, kernel_initializer=made)
        layer.build((None, 5))
        return np.asarray(layer.kernel)

    whole = drawn(replace(FAMILIES["mlp"], draws_by_keras=False))
    keras.random.normal((3,))  # takes from Keras' own state
    np.testing.assert_array_equal(whole, drawn(FAMILIES["mlp"]))


class Noise(keras.layers.Layer):
    """Adds what `draw` gives to its inputs, in training."""

    def __init__(self, draw: Callable[..., object], generator: object = None) -> None:
        super().__init__()
        self._draw, self._generator = draw, generator

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        return inputs + self._draw(inputs, self._generator) if training else inputs


class Drawn(keras.layers.Layer):
    """Has weights that TensorFlow's or NumPy's own generator draws while the model is built."""

    def __init__(self, draw: Callable[..., object]) -> None:
        super().__init__()
        self._draw = draw

    def build(self, shape: tuple[int, ...]) -> None:
        self.bias = self.add_weight(shape=shape[-1:], initializer=self._draw)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return inputs + self.bias


@cache
def outside() -> keras.random.SeedGenerator:
    """A generator that is no attribute of any layer."""
    return keras.random.SeedGenerator(5)


SEEDED: dict[str, Callable[[], keras.layers.Layer]] = {
    "keras' own layer": lambda: keras.layers.GaussianNoise(0.3),
    "keras.random with a generator": lambda: Noise(
        lambda x, own: keras.random.normal(keras.ops.shape(x), seed=own),
        keras.random.SeedGenerator(),
    ),
    "tf.random.stateless": lambda: Noise(
        lambda x, _: tf.random.stateless_normal(tf.shape(x), [1, 2])
    ),
    "random, while it is traced": lambda: Noise(lambda *_: random.random()),
    "numpy, while it is traced": lambda: Noise(lambda *_: float(np.random.rand())),
    "tf.random, while it is built": lambda: Drawn(lambda shape, dtype: tf.random.normal(shape)),
    "numpy, while it is built": lambda: Drawn(lambda shape, dtype: np.random.rand(*shape)),
}
UNSEEDED: dict[str, tuple[Callable[[], keras.layers.Layer], str]] = {
    "tf.random": (
        lambda: Noise(lambda x, _: tf.random.normal(tf.shape(x))),
        "TensorFlow's RandomStandardNormal,",
    ),
    "tf.random with a seed": (
        lambda: Noise(lambda x, _: tf.random.uniform(tf.shape(x), seed=3)),
        "TensorFlow's RandomUniform,",
    ),
    "tf.random.Generator": (
        lambda: Noise(
            lambda x, own: own.normal(tf.shape(x)),  # type: ignore[attr-defined]
            tf.random.Generator.from_seed(1),
        ),
        "TensorFlow's RngReadAndSkip,",
    ),
    "keras.random alone": (
        lambda: Noise(lambda x, _: keras.random.normal(keras.ops.shape(x))),
        "that is no part of the model",
    ),
    "keras.random with a generator of the module": (
        lambda: Noise(lambda x, _: keras.random.normal(keras.ops.shape(x), seed=outside())),
        "that is no part of the model",
    ),
}


def own_network(pixels: Pixels, layer: Callable[[], keras.layers.Layer]) -> Network:
    def build(shape: tuple[int, ...], classes: int) -> keras.Model:
        inputs = keras.Input(shape, dtype="uint8")
        flat = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
        outputs = keras.layers.Dense(classes, activation="softmax")(layer()(flat))
        return keras.Model(inputs, outputs)

    family = Family(build, {})
    return Network(pixels, family, family.complete({"batch_size": 64}))


@pytest.mark.parametrize("layer", SEEDED)
def test_a_users_layer_gives_the_same_numbers_after_other_fits_and_interruptions(
    pixels: Pixels, layer: str
) -> None:
    here, elsewhere = (own_network(pixels, SEEDED[layer]) for _ in range(2))
    expected = [epoch.val_loss for epoch, _ in fit(here, FOLD, 7, 2)]
    list(fit(elsewhere, FOLD, 3, 1))
    assert [epoch.val_loss for epoch, _ in fit(elsewhere, FOLD, 7, 2)] == expected
    ((epoch, _),) = fit(elsewhere, FOLD, 7, 1)
    start = FitState((epoch,), elsewhere.state())
    assert [one.val_loss for one, _ in fit(here, FOLD, 7, 2, start=start)] == expected[1:]


@pytest.mark.parametrize("layer", UNSEEDED)
def test_a_users_layer_whose_numbers_no_seed_sets_is_refused(pixels: Pixels, layer: str) -> None:
    made, expected = UNSEEDED[layer]
    with pytest.raises(FmsearchError) as caught:
        own_network(pixels, made)
    assert expected in str(caught.value)
