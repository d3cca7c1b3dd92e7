"""A model of one's own: any function (input_shape, classes, **parameters) -> keras.Model.

Search it, from this folder, with `fmsearch study --space own_model.yaml`.
"""

import keras


def build(input_shape: tuple[int, ...], classes: int, *, width: int, activation: str):
    """A network with two branches, which no built-in family has."""
    images = keras.Input(input_shape, dtype="uint8")
    pixels = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(images))
    wide = keras.layers.Dense(width, activation=activation)(pixels)
    deep = keras.layers.Dense(width // 2, activation=activation)(wide)
    both = keras.layers.Concatenate()([wide, deep])
    return keras.Model(images, keras.layers.Dense(classes, activation="softmax")(both))
