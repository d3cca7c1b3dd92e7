"""A relu before a max pooling, computed after it: every number is the same."""

from pathlib import Path

import numpy as np
import pytest

from fmsearch.models.pooling import rectify_after_pooling
from fmsearch.models.quiet_tensorflow import keras, tf

layers = keras.layers


def small(*, is_changed: bool, is_normalized: bool) -> keras.Model:
    keras.utils.set_random_seed(3)
    inputs = x = keras.Input((8, 8, 2))
    for _ in range(2):
        if is_normalized:
            x = layers.Conv2D(4, 3, padding="same", use_bias=False)(x)
            x = layers.ReLU()(layers.BatchNormalization()(x))
        else:
            x = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D()(x)
    model = keras.Model(inputs, layers.Dense(3)(layers.Flatten()(x)))
    if is_changed:
        rectify_after_pooling(model)
    return model


def one_pass(model: keras.Model, images: tf.Tensor) -> list[np.ndarray]:
    """Outputs, gradients of inputs and variables, and what inference gives."""
    variables = [variable.value for variable in model.trainable_variables]

    @tf.function
    def graph() -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(images)
            outputs = model(images, training=True)
            loss = tf.reduce_sum(outputs**2)
        gradients = tape.gradient(loss, [images, *variables])
        return [outputs, *gradients, model(images, training=False)]

    return [one.numpy() for one in graph()]


def rectified(model: keras.Model) -> int:
    """How many relus a step computes on values that are not pooled yet."""
    traced = tf.function(lambda images: model(images)).get_concrete_function(
        tf.TensorSpec((5, 8, 8, 2))
    )
    found = [one.outputs[0] for one in traced.graph.get_operations() if one.type == "Relu"]
    return sum("MaxPool" not in one.op.inputs[0].op.type for one in found)


@pytest.mark.parametrize("is_normalized", [False, True])
def test_all_numbers_are_those_of_keras_to_the_last_bit(is_normalized: bool) -> None:
    images = np.random.default_rng(0).normal(size=(5, 8, 8, 2)).round(1).astype(np.float32)
    images[0] = 0  # windows of equal values
    keras_own, ours = (
        small(is_changed=changed, is_normalized=is_normalized) for changed in (False, True)
    )
    assert (rectified(keras_own), rectified(ours)) == (2, 0)
    for expected, found in zip(
        *(one_pass(one, tf.constant(images)) for one in (keras_own, ours)), strict=True
    ):
        assert np.array_equal(expected, found)


def test_a_relu_whose_values_others_take_stays(tmp_path: Path) -> None:
    inputs = keras.Input((8, 8, 2))
    x = layers.Conv2D(4, 3, activation="relu")(inputs)
    outputs = [layers.MaxPooling2D()(x), layers.GlobalAveragePooling2D()(x)]
    model = keras.Model(inputs, layers.Concatenate()([layers.Flatten()(outputs[0]), outputs[1]]))
    rectify_after_pooling(model)
    assert rectified(model) == 1


def test_the_saved_model_is_keras_own(tmp_path: Path) -> None:
    model = small(is_changed=True, is_normalized=False)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.layers[1].activation is keras.activations.relu
    images = np.random.default_rng(0).normal(size=(5, 8, 8, 2)).astype(np.float32)
    assert np.array_equal(model(images), loaded(images))
