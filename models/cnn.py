"""Convolutional networks: blocks of 3 x 3 convolutions and pooling, then a dense part."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from .settings import Compiled, FloatRange, IntRange, OneOf, Setting, Value

if TYPE_CHECKING:
    import keras

MOST_BLOCKS = 5
BATCH_NORMS = ("none", "dense", "each")
HEADS = ("flatten", "average")

MOMENTUM = 0.9
"""Momentum of the moving statistics where `batch_norm` is `each`. With Keras' default of 0.99 they
are hundreds of steps behind the weights, and the early scores, by which pruners judge, mean little.
"""

_WIDTHS = (32, 64, 128, 128, 128)

ARCHITECTURE: Mapping[str, Setting] = {
    "depth": Setting(IntRange(1, MOST_BLOCKS), 3),
    **{
        f"filters_{block}": Setting(IntRange(1, 4096), width)
        for block, width in enumerate(_WIDTHS, start=1)
    },
    **{f"convolutions_{block}": Setting(IntRange(1, 4), 1) for block in range(1, MOST_BLOCKS + 1)},
    "batch_norm": Setting(OneOf(BATCH_NORMS), "dense"),
    "norm_block": Setting(IntRange(0, MOST_BLOCKS), 0),
    "head": Setting(OneOf(HEADS), "flatten"),
    "dense_units": Setting(IntRange(0, 2**16), 128),
    "dropout_rate": Setting(FloatRange(0.0, 1.0), 0.0, Compiled.PRESENCE),
    "dropout_from": Setting(IntRange(1, MOST_BLOCKS), 1),
    "dense_dropout": Setting(FloatRange(0.0, 1.0), 0.0, Compiled.PRESENCE),
}


def fault(settings: Mapping[str, Value], shape: tuple[int, ...]) -> str:
    """Why images of this shape are too small for `depth` blocks; empty if they are not."""
    deepest = min(shape[:2]).bit_length() - 1  # each pooling halves a side, rounding down
    if int(settings["depth"]) <= deepest:
        return ""
    return (
        f"depth: {settings['depth']} blocks halve the sides of an image {settings['depth']} times, "
        f"and {shape[0]} x {shape[1]} pixels allow {deepest}"
    )


def idle(settings: Mapping[str, Value]) -> frozenset[str]:
    """The settings of blocks that the network does not have."""
    absent = range(int(settings["depth"]) + 1, MOST_BLOCKS + 1)
    return frozenset(f"{name}_{block}" for block in absent for name in ("filters", "convolutions"))


def build(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    depth: int,
    batch_norm: str,
    norm_block: int,
    head: str,
    dense_units: int,
    dropout_rate: float,
    dropout_from: int,
    dense_dropout: float,
    **blocks: int,
) -> keras.Model:
    """Build a convolutional network on raw images; its first layer divides the pixels by 255.

    A block is one or more convolutions (3 x 3, padding same, relu), max pooling 2 x 2, and dropout.

    Args:
        input_shape: Shape of one uint8 image, (h, w) or (h, w, c); a side s allows log2(s) blocks.
        classes: Number of outputs.
        depth: Number of blocks.
        batch_norm: `each`: between every convolution or dense layer and its relu; `dense`: once,
            before the dense part; `none`.
        norm_block: The block after which a batch normalization is added; 0 for none.
        head: How feature maps become a vector: `flatten`, or the `average` of each map.
        dense_units: Width of the dense relu layer before the outputs; 0 for none.
        dropout_rate: Share of units dropped at the end of a block; 0 adds no layer.
        dropout_from: The first block with this dropout.
        dense_dropout: Share of units dropped before the outputs; 0 adds no layer.
        blocks: `filters_1`, `convolutions_1` and so on: numbers of feature maps and convolutions.

    Returns:
        A model from uint8 images (n, *input_shape) to float32 probabilities (n, classes).
    """
    import keras  # loads TensorFlow: in trainers only

    layers = keras.layers
    with_relu = partial(_with_relu, is_normalized=batch_norm == "each")
    inputs, x = pixels_of(input_shape)
    for block in range(1, depth + 1):
        for _ in range(blocks[f"convolutions_{block}"]):
            x = with_relu(x, layers.Conv2D, blocks[f"filters_{block}"], 3, padding="same")
        x = layers.MaxPooling2D()(x)
        if dropout_rate and block >= dropout_from:
            x = layers.Dropout(dropout_rate)(x)
        if block == norm_block:
            x = layers.BatchNormalization()(x)
    x = layers.Flatten()(x) if head == "flatten" else layers.GlobalAveragePooling2D()(x)
    if batch_norm == "dense":
        x = layers.BatchNormalization()(x)
    if dense_units:
        x = with_relu(x, layers.Dense, dense_units)
    if dense_dropout:
        x = layers.Dropout(dense_dropout)(x)
    outputs = layers.Dense(classes, activation="softmax")(x)
    return keras.Model(inputs, outputs, name="cnn")


def _with_relu(
    x: keras.KerasTensor, layer: Any, *size: int, is_normalized: bool, **more: Any
) -> keras.KerasTensor:
    """A layer with weights and a relu, with a batch normalization between them if wanted."""
    import keras

    if not is_normalized:
        return layer(*size, activation="relu", **more)(x)
    # The normalization adds a bias, so that the layer needs none.
    x = layer(*size, use_bias=False, **more)(x)
    return keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=MOMENTUM)(x))


def pixels_of(input_shape: tuple[int, ...]) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """The input of raw images, and the same images as float32 (n, h, w, c) in [0, 1]."""
    import keras

    inputs = keras.Input(input_shape, dtype="uint8", name="images")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    if len(input_shape) == 2:
        x = keras.layers.Reshape((*input_shape, 1))(x)
    return inputs, x
