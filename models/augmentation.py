"""Augmentation: mirrored and shifted images, as indices into the raw pixels.

A batch is gathered from the data set anyway; here each of its pixels is fetched from where
augmentation puts it, so that each image is mirrored and shifted in its own way by one gather of
bytes.
"""

from __future__ import annotations

from .backend import tf


def gather_augmented(
    pixels: tf.Tensor, rows: tf.Tensor, seed: tf.Tensor, *, flip: bool, shift: tf.Tensor | None
) -> tf.Tensor:
    """Images, each mirrored left to right or not, and moved by up to `shift` pixels each way.

    What moves in from outside is 0.

    Args:
        pixels: uint8, (n, h, w) or (n, h, w, c).
        rows: int32, (b,): which images.
        seed: int32, (2,); the draws depend on it alone.
        flip: Whether half of the images, drawn at random, are mirrored.
        shift: int64, (); None to move none.

    Returns:
        uint8, (b, h, w) or (b, h, w, c).
    """
    _, height, width, *channels = pixels.shape
    count = tf.size(rows)
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
    from_y, from_x = tf.clip_by_value(y, 0, height - 1), tf.clip_by_value(x, 0, width - 1)
    first = tf.cast(rows, tf.int64)[:, tf.newaxis] * height
    index = (first + from_y)[:, :, tf.newaxis] * width
    flat = tf.reshape(pixels, [-1, *channels])
    images = tf.gather(flat, index + from_x[:, tf.newaxis, :])
    if shift is None:
        return images
    inside = tf.cast((y == from_y)[:, :, tf.newaxis] & (x == from_x)[:, tf.newaxis, :], tf.uint8)
    return images * tf.reshape(inside, [count, height, width, *[1] * len(channels)])
