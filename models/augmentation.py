"""Augmentation: mirroring, shifting and erasing while a batch is gathered.

A batch is gathered from the data set anyway. Mirroring and shifting only change the indices of its
pixels, so that one gather of bytes augments each image differently.
"""

from __future__ import annotations

from .quiet_tensorflow import tf

SMALLEST, LARGEST = 1 / 8, 1 / 2
"""Sides of an erased rectangle, as shares of the image's sides."""


def gather_augmented(
    pixels: tf.Tensor,
    rows: tf.Tensor,
    seed: tf.Tensor,
    *,
    flip: bool,
    shift: tf.Tensor | None,
    erase: tf.Tensor | None,
) -> tf.Tensor:
    """Gather images, each of them mirrored, shifted and erased at random.

    Pixels that a shift brings in from outside are 0, and so is an erased rectangle (random erasing,
    Zhong et al. 2020).

    Args:
        pixels: uint8, (n, h, w) or (n, h, w, c).
        rows: int32, (b,), indices of the images.
        seed: int32, (2,); the random numbers depend on it alone.
        flip: Whether each image is mirrored left to right with probability 1/2.
        shift: int64, (), the largest shift in pixels, in each direction; None for no shift.
        erase: float32, (), the share of images with an erased rectangle; None for none.

    Returns:
        uint8, (b, h, w) or (b, h, w, c).
    """
    _, height, width, *channels = pixels.shape
    count = tf.size(rows)
    y, x = _sources(count, height, width, seed, flip=flip, shift=shift)
    from_y, from_x = tf.clip_by_value(y, 0, height - 1), tf.clip_by_value(x, 0, width - 1)
    first = tf.cast(rows, tf.int64)[:, tf.newaxis] * height
    index = (first + from_y)[:, :, tf.newaxis] * width
    flat = tf.reshape(pixels, [-1, *channels])
    images = tf.gather(flat, index + from_x[:, tf.newaxis, :])
    seen = tf.ones([count, height, width], tf.bool)
    if shift is not None:
        seen = (y == from_y)[:, :, tf.newaxis] & (x == from_x)[:, tf.newaxis, :]
    if erase is not None:
        seen &= ~_rectangles(count, height, width, tf.random.fold_in(seed, 3), erase)
    if shift is None and erase is None:
        return images
    kept = tf.reshape(tf.cast(seen, tf.uint8), [count, height, width, *[1] * len(channels)])
    return images * kept


def _sources(
    count: tf.Tensor,
    height: int,
    width: int,
    seed: tf.Tensor,
    *,
    flip: bool,
    shift: tf.Tensor | None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """int64, (count, height) and (count, width): the row and column to take each pixel from."""
    # 64 bits: a data set may have more than 2**31 pixels.
    y = tf.tile(tf.range(height, dtype=tf.int64)[tf.newaxis], [count, 1])
    x = tf.tile(tf.range(width, dtype=tf.int64)[tf.newaxis], [count, 1])
    if flip:
        mirrored = tf.random.stateless_uniform([count, 1], tf.random.fold_in(seed, 1)) < 0.5
        x = tf.where(mirrored, width - 1 - x, x)
    if shift is not None:
        moves = tf.random.stateless_uniform(
            [count, 2], tf.random.fold_in(seed, 2), -shift, shift + 1, tf.int64
        )
        y, x = y + moves[:, :1], x + moves[:, 1:]
    return y, x


def _rectangles(
    count: tf.Tensor, height: int, width: int, seed: tf.Tensor, share: tf.Tensor
) -> tf.Tensor:
    """bool, (count, height, width): whether a pixel is erased."""
    draws = tf.random.stateless_uniform([count, 5], seed)
    inside = []
    for side, length, place in (
        (height, draws[:, 0], draws[:, 1]),
        (width, draws[:, 2], draws[:, 3]),
    ):
        size = tf.round(side * (SMALLEST + (LARGEST - SMALLEST) * length))
        first = tf.floor(place * (side - size + 1))
        at = tf.range(side, dtype=tf.float32)[tf.newaxis]
        inside.append((at >= first[:, tf.newaxis]) & (at < (first + size)[:, tf.newaxis]))
    hit = (draws[:, 4] < share)[:, tf.newaxis, tf.newaxis]
    return inside[0][:, :, tf.newaxis] & inside[1][:, tf.newaxis, :] & hit
