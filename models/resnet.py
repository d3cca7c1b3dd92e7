"""Residual networks: blocks that add to their input (He et al. 2016, arXiv 1603.05027).

They are pre-activated: a block normalizes and rectifies before each of its two convolutions, and
what it adds to is never rectified.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .cnn import MOMENTUM, pixels_of
from .settings import Compiled, FloatRange, IntRange, Setting, Value

if TYPE_CHECKING:
    import keras

ARCHITECTURE: Mapping[str, Setting] = {
    "stages": Setting(IntRange(1, 5), 3),
    "blocks": Setting(IntRange(1, 32), 1),
    "width": Setting(IntRange(1, 1024), 16),
    "stochastic_depth": Setting(FloatRange(0.0, 1.0), 0.0, Compiled.PRESENCE),
}


def fault(settings: Mapping[str, Value], shape: tuple[int, ...]) -> str:
    """Why images of this shape are too small for `stages`; empty if they are not."""
    most = min(shape[:2]).bit_length()  # each stage but the first halves a side
    if int(settings["stages"]) <= most:
        return ""
    return (
        f"stages: {settings['stages']} stages halve the sides of an image "
        f"{int(settings['stages']) - 1} times, and {shape[0]} x {shape[1]} pixels allow {most - 1}"
    )


def build(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    stages: int,
    blocks: int,
    width: int,
    stochastic_depth: float,
) -> keras.Model:
    """Build a residual network on raw images; its first layer divides the pixels by 255.

    Args:
        input_shape: Shape of one uint8 image, (h, w) or (h, w, c).
        classes: Number of outputs.
        stages: Number of resolutions; each further one halves the sides and doubles the maps.
        blocks: Number of blocks of each stage, each of two 3 x 3 convolutions.
        width: Number of feature maps of the first stage.
        stochastic_depth: Share of images for which the last block of all adds nothing in training;
            it grows evenly from block to block (Huang et al. 2016, arXiv 1603.09382). 0 adds no
            layer.

    Returns:
        A model from uint8 images (n, *input_shape) to float32 probabilities (n, classes).
    """
    import keras  # loads TensorFlow: in trainers only

    inputs, x = pixels_of(input_shape)
    x = _convolution(x, width, 3)
    for stage in range(stages):
        for block in range(blocks):
            place = (stage * blocks + block + 1) / (stages * blocks)
            x = _block(
                x,
                width * 2**stage,
                stride=2 if stage and not block else 1,
                dropped=stochastic_depth * place,
            )
    x = keras.layers.GlobalAveragePooling2D()(_activated(x))
    outputs = keras.layers.Dense(classes, activation="softmax")(x)
    return keras.Model(inputs, outputs, name="resnet")


def _block(x: keras.KerasTensor, maps: int, *, stride: int, dropped: float) -> keras.KerasTensor:
    """Two convolutions whose result is added to the input, which is projected if its shape differs.

    `dropped` is the share of images for which they add nothing in training.
    """
    import keras

    activated = _activated(x)
    has_shape = stride == 1 and x.shape[-1] == maps
    kept = x if has_shape else _convolution(activated, maps, 1, stride)
    y = _convolution(_activated(_convolution(activated, maps, 3, stride)), maps, 3)
    if dropped:
        y = keras.layers.Dropout(dropped, noise_shape=(None, 1, 1, 1))(y)
    return keras.layers.Add()([kept, y])


def _activated(x: keras.KerasTensor) -> keras.KerasTensor:
    import keras

    return keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=MOMENTUM)(x))


def _convolution(x: keras.KerasTensor, maps: int, size: int, stride: int = 1) -> keras.KerasTensor:
    """A convolution without bias: the normalization after it has one."""
    import keras

    layer = keras.layers.Conv2D(
        maps, size, stride, padding="same", use_bias=False, kernel_initializer="he_normal"
    )
    return layer(x)
