"""Pictures: files of images as a network takes them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..errors import FmsearchError
from .data import UNREADABLE

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG")
"""Of Pillow's; some others run programs."""
PICTURES, ARRAYS = (".png", ".jpg", ".jpeg"), ".npy"
MOST_PIXELS = 50_000_000
"""A picture of so many takes 0.2 GB and a second."""
DARK = 128

Pixels = npt.NDArray[np.uint8]


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
    path: Path, shape: tuple[int, ...], *, invert: bool | None
) -> Iterator[tuple[str, Pixels]]:
    """Each image of a file, by its name: a picture's one, or all of an array.

    A picture is made grey or coloured as the network wants, and resized; what is transparent
    becomes white, and what another height or width leaves free gets the border's colour.

    Args:
        path: Of a picture, or of an array uint8 (h, w), (n, h, w) or with channels behind.
        shape: Of an image that the network takes, (h, w) or (h, w, c).
        invert: Whether bright becomes dark; None if a grey picture's border is bright.

    Yields:
        Name and uint8 pixels of that shape.

    Raises:
        FmsearchError: It is no picture, is too large, or has another shape.
    """
    if path.suffix.lower() == ARRAYS:
        array = _read_array(path, shape)
        for number, one in enumerate(array):
            yield f"{path}[{number}]", 255 - one if invert else one
        return
    pixels = _fitted(_read_picture(path, is_grey=len(shape) == 2 or shape[2] == 1), shape)
    if invert is None:
        invert = pixels.ndim == 2 and _border(pixels) >= DARK
    yield str(path), (255 - pixels if invert else pixels).reshape(shape)


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


def _read_picture(path: Path, *, is_grey: bool) -> Image:
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(path, formats=FORMATS)
        width, height = picture.size
        if width * height > MOST_PIXELS:
            raise FmsearchError(
                f"{path} has {width} x {height} pixels; at most {MOST_PIXELS:,} are read"
            )
        with picture:
            upright = ImageOps.exif_transpose(picture)
            if upright.has_transparency_data:
                clear = upright.convert("RGBA")
                upright = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
            return upright.convert("L" if is_grey else "RGB")
    except Image.DecompressionBombError as error:
        raise FmsearchError(f"{path}: {error}") from error
    except UnidentifiedImageError as error:
        raise FmsearchError(f"{path} is no picture that can be read (PNG, JPEG)") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise FmsearchError(f"{path} is no picture that can be read ({error})") from error


def _fitted(picture: Image, shape: tuple[int, ...]) -> Pixels:
    """The whole picture in an image of that height and width."""
    from PIL import Image, ImageOps

    height, width = shape[:2]
    if picture.size == (width, height):
        return np.asarray(picture)
    border = np.median(_edges(np.asarray(picture)), axis=0).astype(int)
    colour = tuple(border.tolist()) if border.ndim else int(border)
    return np.asarray(ImageOps.pad(picture, (width, height), Image.Resampling.BILINEAR, colour))


def _edges(pixels: Pixels) -> Pixels:
    return np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])


def _border(pixels: Pixels) -> float:
    return float(np.median(_edges(pixels)))


_SUFFIXES = (*PICTURES, ARRAYS)
