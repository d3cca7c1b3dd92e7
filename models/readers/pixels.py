"""Arrays of numbers as images: what they mean, and their conversion to bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..images import Pixels

Array = npt.NDArray[Any]

CHANNELS = (1, 3, 4)
BLOCK_BYTES = 64 * 2**20
MOST_16 = 2**16 - 1


class UnclearError(Exception):
    """Numbers are no images, or could be two things; says which."""


@dataclass(frozen=True)
class Scale:
    """What the numbers of an array are as bytes.

    Attributes:
        factor: By which they are multiplied, then rounded.
        told: The conversion in words; empty if they are bytes already.
    """

    factor: float
    told: str = ""

    def apply(self, array: Array) -> Pixels:
        """The array as uint8, of the same shape; bytes stay the same array."""
        if array.dtype == np.uint8:
            return array
        made = np.empty(array.shape, np.uint8)
        for rows in _blocks(array):
            np.rint(array[rows] * self.factor, casting="unsafe").clip(0, 255, out=made[rows],
                casting="unsafe")  # fmt: skip
        return made


BYTES = Scale(1.0)


def scale_of(name: str, array: Array, *more: Array) -> Scale:
    """What the numbers of arrays of one type are.

    Args:
        name: Of the first array, for messages.
        array, more: Of any type.

    Raises:
        UnclearError: They are no images, or ambiguous.
    """
    kind = array.dtype.kind
    if array.dtype == np.uint8:
        return BYTES
    if kind == "b":
        return Scale(255.0, "false and true became 0 and 255")
    if kind not in "iuf":
        raise UnclearError(f"{name} is {array.dtype} {array.shape}; images are numbers")
    ranges = [_range(name, one) for one in (array, *more) if one.size]
    low, high = min(one[0] for one in ranges), max(one[1] for one in ranges)
    says = f"{name} is {array.dtype} from {low:g} to {high:g}"
    if low < 0:
        raise UnclearError(f"{says}; images have no values below 0: store them as 0 to 255")
    return _float_scale(says, high) if kind == "f" else _integer_scale(says, high)


def _float_scale(says: str, high: float) -> Scale:
    if high <= 1 + 1e-6:
        return Scale(255.0, "numbers from 0 to 1 became 0 to 255")
    if high < 2:
        raise UnclearError(
            f"{says}, which is either 0 to 1 with some values above it, or 0 to 255 and almost "
            "black; store uint8"
        )
    if high <= 255:
        return Scale(1.0, "numbers with a point, from 0 to 255, were rounded")
    raise UnclearError(f"{says}, which is neither 0 to 1 nor 0 to 255; store uint8")


def _integer_scale(says: str, high: float) -> Scale:
    if high == 1:
        raise UnclearError(
            f"{says}, which is either black and white, or 0 to 255 and almost black; store bool "
            "or uint8"
        )
    if high <= 255:
        return Scale(1.0, "whole numbers from 0 to 255 became bytes")
    if high > MOST_16:
        raise UnclearError(f"{says}, which is more than 16 bits; store uint8")
    if high > MOST_16 // 2:
        return Scale(1 / 257, "16 bits became 8")
    bits = int(high).bit_length()
    raise UnclearError(
        f"{says}, which is either {bits} bits (0 to {2**bits - 1}), or 16 bits and dark; "
        "store uint8"
    )


def _range(name: str, array: Array) -> tuple[float, float]:
    """The lowest and highest value."""
    lows, highs, odd = [], [], 0
    for rows in _blocks(array):
        block = array[rows]
        if array.dtype.kind == "f":
            odd += block.size - int(np.count_nonzero(np.isfinite(block)))
        lows.append(float(block.min()))
        highs.append(float(block.max()))
    if odd:
        raise UnclearError(f"{name} has {odd:,} values that are nan or infinite")
    return min(lows), max(highs)


def _blocks(array: Array) -> Iterator[slice]:
    """Rows, some at a time."""
    rows = max(1, BLOCK_BYTES * len(array) // max(1, array.nbytes))
    return (slice(first, first + rows) for first in range(0, len(array), rows))


def channels_last(name: str, array: Array) -> tuple[Array, str]:
    """Images with their channels behind, and in words whether they were moved there.

    Args:
        name: For messages.
        array: Of any type, (n, h, w), (n, h, w, c) or (n, c, h, w).

    Raises:
        UnclearError: It has another shape, or could be of two.
    """
    shape = array.shape
    if array.ndim not in (3, 4) or 0 in shape:
        raise UnclearError(
            f"{name} is {array.dtype} {shape}; it must be uint8 (n, h, w) or (n, h, w, c)"
        )
    if array.ndim == 3 or shape[1] not in CHANNELS:
        return array, ""
    _, first, middle, last = shape
    if last not in CHANNELS:
        told = f"channels were moved from the front, (n, {first}, {middle}, {last}), to the end"
        return np.moveaxis(array, 1, -1), told
    if first == middle == last == 1:  # one pixel: the same either way
        return array, ""
    raise UnclearError(
        f"{name} is {shape}: images of {first} x {middle} pixels with {last} channels behind, or "
        f"of {middle} x {last} with {first} before; store another shape than these"
    )
