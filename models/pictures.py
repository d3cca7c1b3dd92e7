"""Pictures: files of images as a network takes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FmsearchError
from .images import Pixels
from .readers.npz import UNREADABLE
from .readers.picture import SUFFIXES, PictureError, edges, fitted, read

ARRAYS = ".npy"
DARK = 128
MOST_OF = 0.9
"""The share of training images with such a border from which on they have a background."""


def find_pictures(paths: Sequence[Path]) -> list[Path]:
    """The files among some paths, and the pictures and arrays in folders among them, by name.

    Raises:
        FmsearchError: There is no such file, or a folder has no picture.
    """
    found = []
    for path in paths:
        if path.is_dir():
            inside = [one for one in sorted(path.iterdir()) if one.suffix.lower() in _SUFFIXES]
            if not inside:
                raise FmsearchError(f"{path} has no picture ({', '.join(_SUFFIXES)})")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise FmsearchError(f"no picture {str(path)!r}")
    return found


def read_pictures(
    path: Path, shape: tuple[int, ...], *, invert: bool | None, background: str = "dark"
) -> Iterator[tuple[str, Pixels, bool]]:
    """Each image of a file: a picture's one, or all of an array.

    A picture is made grey or coloured as the network wants, and resized; what is transparent
    becomes white, and what another height or width leaves free gets the border's colour.

    Args:
        path: Of a picture, or of an array uint8 (h, w), (n, h, w) or with channels behind.
        shape: Of an image that the network takes, (h, w) or (h, w, c).
        invert: Whether bright becomes dark; None if a grey picture's border is not as `background`.
        background: `dark` or `bright`; else None inverts nothing.

    Yields:
        Name, uint8 pixels of that shape, and whether they were inverted.

    Raises:
        FmsearchError: It is no picture, is too large, or has another shape.
    """
    if path.suffix.lower() == ARRAYS:
        array = _read_array(path, shape)
        for number, one in enumerate(array):  # as its maker made it, unless told otherwise
            yield f"{path}[{number}]", 255 - one if invert else one, bool(invert)
        return
    try:
        picture = read(path, is_grey=len(shape) == 2 or shape[2] == 1)
    except PictureError as error:
        raise FmsearchError(f"{path} {error}") from error
    pixels = fitted(picture, shape)
    if invert is None:
        is_bright = pixels.ndim == 2 and float(np.median(edges(pixels))) >= DARK
        invert = pixels.ndim == 2 and background == ("dark" if is_bright else "bright")
    yield str(path), (255 - pixels if invert else pixels).reshape(shape), invert


def background_of(images: Pixels) -> str:
    """Whether most grey images have a `dark` or a `bright` border, or `mixed`; empty of colours.

    Args:
        images: uint8, (n, h, w) or with channels behind.
    """
    if images.ndim == 4 and images.shape[3] != 1:
        return ""
    height, width = images.shape[1:3]
    rows, columns = images.reshape(-1, height, width)[:, [0, -1]], images[:, :, [0, -1]]
    borders = np.concatenate([rows.reshape(len(images), -1), columns.reshape(len(images), -1)], 1)
    bright = float(np.mean(np.median(borders, axis=1) >= DARK))
    if bright >= MOST_OF:
        return "bright"
    return "dark" if bright <= 1 - MOST_OF else "mixed"


def _read_array(path: Path, shape: tuple[int, ...]) -> Pixels:
    try:
        array = np.load(path, allow_pickle=False)
    except UNREADABLE as error:
        raise FmsearchError(f"{path} is no readable .npy file ({error})") from error
    wanted: Any = (shape, (*shape, 1), shape[:-1] if shape[2:] == (1,) else shape)
    is_one = array.shape in wanted
    if not (is_one or array.shape[1:] in wanted) or array.dtype != np.uint8:
        raise FmsearchError(
            f"{path} is {array.dtype} {array.shape}; it must be uint8 {shape}, or several of these"
        )
    pixels: Pixels = array.reshape(-1, *shape)
    return pixels


_SUFFIXES = (*SUFFIXES, ARRAYS)
