"""Multilayer perceptrons: dense relu layers, each half as wide as the one before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .settings import Compiled, Flag, FloatRange, IntRange, Setting

if TYPE_CHECKING:
    import keras

MOMENTUM = 0.9
"""Momentum of the batch normalizations' moving statistics, for the reason at `cnn.MOMENTUM`."""

ARCHITECTURE: Mapping[str, Setting] = {
    "hidden_units": Setting(IntRange(1, 2**16), 128),
    "layers": Setting(IntRange(1, 4), 2),
    "batch_norm": Setting(Flag(), False),
    "dropout_rate": Setting(FloatRange(0.0, 1.0), 0.0, Compiled.PRESENCE),
}


def build(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    hidden_units: int,
    layers: int,
    batch_norm: bool,
    dropout_rate: float,
) -> keras.Model:
    """Build a perceptron on raw images; its first layers divide the pixels by 255 and flatten them.

    Args:
        input_shape: Shape of one uint8 image, (h, w) or (h, w, c).
        classes: Number of outputs.
        hidden_units: Width of the first dense layer; each further layer has half as many
            units as the one before, and at least one: 128 gives 128 and 64, as published.
        layers: Number of hidden layers.
        batch_norm: Whether each dense layer has a batch normalization before its relu.
        dropout_rate: Share of units dropped after each hidden layer; 0 adds no layer.

    Returns:
        A model from uint8 images (n, *input_shape) to float32 probabilities (n, classes).
    """
    import keras  # loads TensorFlow: in trainers only

    inputs = keras.Input(input_shape, dtype="uint8", name="images")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Flatten()(x)
    for layer in range(layers):
        units = max(1, hidden_units >> layer)
        if batch_norm:
            x = keras.layers.Dense(units, use_bias=False)(x)
            x = keras.layers.BatchNormalization(momentum=MOMENTUM)(x)
            x = keras.layers.ReLU()(x)
        else:
            x = keras.layers.Dense(units, activation="relu")(x)
        if dropout_rate:
            x = keras.layers.Dropout(dropout_rate)(x)
    outputs = keras.layers.Dense(classes, activation="softmax")(x)
    return keras.Model(inputs, outputs, name="mlp")
