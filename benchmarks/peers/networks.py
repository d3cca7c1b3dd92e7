"""The networks that the peers train, as everybody writes them in Keras."""

from __future__ import annotations

import keras
from keras import layers

MOMENTUM = 0.9
"""Of the normalizations, as in fmsearch's networks."""


def mlp(hidden_units: int, dropout_rate: float, inputs: int = 784) -> keras.Model:
    """The published perceptron, not compiled."""
    return keras.Sequential(
        [
            keras.Input((inputs,)),
            layers.Dense(hidden_units, activation="relu"),
            layers.Dropout(dropout_rate),
            layers.Dense(hidden_units // 2, activation="relu"),
            layers.Dropout(dropout_rate),
            layers.Dense(10, activation="softmax"),
        ]
    )


def cnn(
    filters: tuple[int, ...],
    convolutions: tuple[int, ...],
    dropout_rate: float,
    learning_rate: float,
    side: int = 28,
) -> keras.Model:
    """A network of the space of the hold-out searches, compiled."""
    model = keras.Sequential([keras.Input((side, side, 1))])
    for width, count in zip(filters, convolutions, strict=True):
        for _ in range(count):
            model.add(layers.Conv2D(width, 3, padding="same", use_bias=False))
            model.add(layers.BatchNormalization(momentum=MOMENTUM))
            model.add(layers.ReLU())
        model.add(layers.MaxPooling2D())
        model.add(layers.Dropout(dropout_rate))
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dense(10, activation="softmax"))
    optimizer = keras.optimizers.Adam(learning_rate)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
