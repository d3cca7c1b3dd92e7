"""Batch normalization: fused, it computes what Keras' own computes."""

from pathlib import Path

import numpy as np
import pytest

from fmsearch.models.data import load_training
from fmsearch.models.families import Family
from fmsearch.models.network import Network, Pixels
from fmsearch.models.normalization import fuse_batch_normalization
from fmsearch.models.quiet_tensorflow import keras, tf
from fmsearch.models.split import Fold
from fmsearch.models.training import Epoch, fit


@pytest.fixture(scope="module")
def pixels(images: Path) -> Pixels:
    return Pixels(load_training(str(images)), classes=10)


@pytest.fixture(scope="module")
def fold() -> Fold:
    rows = np.random.default_rng(0).permutation(2400).astype(np.int32)
    return Fold(rows[:500], rows[500:800])


def numbers(history: list[Epoch]) -> list[tuple[object, ...]]:
    """What an epoch measured, without when."""
    return [(e.epoch, e.train_loss, e.train_accuracy, e.val_loss, e.val_accuracy) for e in history]


def normalized(*, fused: bool, shape: tuple[int, ...]) -> keras.Model:
    keras.utils.set_random_seed(3)
    inputs = keras.Input(shape)
    layer = keras.layers.BatchNormalization(momentum=0.9, gamma_initializer="random_normal")
    model = keras.Model(inputs, layer(inputs))
    if fused:
        fuse_batch_normalization(model)
    return model


def one_pass(model: keras.Model, inputs: tf.Tensor, weights: tf.Tensor) -> list[tf.Tensor]:
    """Outputs, gradients of inputs and variables, and what inference then gives."""
    variables = [variable.value for variable in model.trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = model(inputs, training=True)
        loss = tf.reduce_sum(outputs * weights)
    gradients = tape.gradient(loss, [inputs, *variables])
    return [outputs, *gradients, *model.get_weights(), model(inputs, training=False)]


@pytest.mark.parametrize("shape", [(1, 6), (40, 6), (1, 4, 5, 3), (20, 4, 5, 3)], ids=str)
def test_fused_normalization_equals_keras_own(shape: tuple[int, ...]) -> None:
    draws = np.random.default_rng(0)
    fused, composed = (normalized(fused=one, shape=shape[1:]) for one in (True, False))
    for _ in range(3):
        inputs, weights = (tf.constant(draws.normal(2, 3, shape), tf.float32) for _ in range(2))
        results = (one_pass(model, inputs, weights) for model in (fused, composed))
        for ours, theirs in zip(*results, strict=True):
            # Sums of up to 400 float32 numbers of about 10, in another order.
            np.testing.assert_allclose(np.array(ours), np.array(theirs), rtol=1e-4, atol=1e-4)


class OwnBlock(keras.layers.Layer):
    """A layer of a user's own that has Keras' layers inside."""

    def __init__(self) -> None:
        super().__init__()
        self.normalization = keras.layers.BatchNormalization()
        self.dropout = keras.layers.Dropout(0.5)

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        return self.dropout(self.normalization(inputs, training=training), training=training)


def build_own(input_shape: tuple[int, ...], classes: int) -> keras.Model:
    inputs = keras.Input(input_shape, dtype="uint8")
    x = OwnBlock()(keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs)))
    return keras.Model(inputs, keras.layers.Dense(classes, activation="softmax")(x))


def test_normalization_inside_a_layer_of_ones_own_is_trained(pixels: Pixels, fold: Fold) -> None:
    own = Family(build_own, {})
    network = Network(pixels, own, own.complete({}))
    runs = [numbers([e for e, _ in fit(network, fold, 1, epochs=3)]) for _ in range(2)]
    assert runs[0] == runs[1]
    assert runs[0][2][1] < runs[0][0][1]  # the loss falls
    (block,) = [layer for layer in network.model.layers if isinstance(layer, OwnBlock)]
    assert block.normalization.moving_mean.numpy().any()
