"""One picture: a file as pixels, grey or in colour, upright, in any size."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from ...errors import FmsearchError
from ..images import Pixels

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP")
"""Of Pillow's; some others run programs."""
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")
MOST_PIXELS = 50_000_000
"""A picture of so many takes 0.2 GB and a second."""

RESIZED = "resized"
UPRIGHT = "turned upright, as their EXIF orientation says"
ON_WHITE = "laid on white where they are transparent"
FROM_16_BITS = "reduced from 16 bits to 8"
FIRST_FRAME = "reduced to the first of several frames"
COLOURED = "with palette or other colours made RGB"

_ORIENTATION = 0x0112
_GREY = ("1", "L", "LA", "La", "I")
_PLAIN = ("1", "L", "LA", "La", "RGB", "RGBA", "RGBa", "RGBX")


class PictureError(FmsearchError):
    """A file is no picture that can be read; says why, without the file's name."""


@dataclass(frozen=True)
class Look:
    """What the head of a picture's file says.

    Attributes:
        size: Height and width, upright.
        has_colour: Whether its pixels may have colours.
        conversions: What is done to its pixels, but for the size.
    """

    size: tuple[int, int]
    has_colour: bool
    conversions: frozenset[str]


def look(file: Path | IO[bytes]) -> Look:
    """Look at a picture's head.

    Raises:
        PictureError: It cannot be read, or is too large.
    """
    with _opened(file) as picture:
        turned = picture.getexif().get(_ORIENTATION, 1)
        done = {
            UPRIGHT: 2 <= turned <= 8,
            ON_WHITE: picture.has_transparency_data,
            FROM_16_BITS: picture.mode.startswith("I"),
            FIRST_FRAME: getattr(picture, "n_frames", 1) > 1,
            COLOURED: picture.mode not in _PLAIN and not picture.mode.startswith("I"),
        }
        width, height = picture.size
        return Look(
            size=(width, height) if turned >= 5 else (height, width),
            has_colour=_has_colour(picture),
            conversions=frozenset(name for name, is_so in done.items() if is_so),
        )


def read(file: Path | IO[bytes], *, is_grey: bool) -> Image:
    """Read a picture's first frame, upright, of mode L or RGB; what is transparent becomes white.

    Raises:
        PictureError: It cannot be read, or is too large.
    """
    from PIL import Image, ImageOps

    with _opened(file) as picture:
        upright = _eight_bits(ImageOps.exif_transpose(picture))
        if upright.has_transparency_data:
            clear = upright.convert("RGBA")
            upright = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
        return upright.convert("L" if is_grey else "RGB")


def fitted(picture: Image, shape: tuple[int, ...]) -> Pixels:
    """The whole picture in an image of that height and width, resized with antialiasing.

    What another shape leaves free gets the border's colour.
    """
    from PIL import Image, ImageOps

    height, width = shape[:2]
    if picture.size == (width, height):
        return np.asarray(picture)
    border = np.median(edges(np.asarray(picture)), axis=0).astype(int)
    colour = tuple(border.tolist()) if border.ndim else int(border)
    return np.asarray(ImageOps.pad(picture, (width, height), Image.Resampling.BILINEAR, colour))


def edges(pixels: Pixels) -> Pixels:
    """The pixels of an image's border, (n,) or (n, c)."""
    return np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])


@contextmanager
def _opened(file: Path | IO[bytes]) -> Iterator[Image]:
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of EXIF data, and below MOST_PIXELS of bombs
            with Image.open(file, formats=FORMATS) as picture:
                width, height = picture.size
                if width * height > MOST_PIXELS:
                    raise PictureError(
                        f"has {width} x {height} pixels; at most {MOST_PIXELS:,} are read"
                    )
                if picture.mode == "F" or (picture.mode == "I" and picture.format != "PNG"):
                    raise PictureError("has pixels of 32 bits; save it with 8 or 16")
                yield picture
    except Image.DecompressionBombError as error:
        raise PictureError(f"is too large ({error})") from error
    except UnidentifiedImageError as error:
        raise PictureError(
            "is no picture that can be read (PNG, JPEG, BMP, GIF, TIFF, WebP)"
        ) from (error)
    except MemoryError as error:
        raise PictureError("is no picture that can be read (it asks for too much memory)") from (
            error
        )
    except (OSError, SyntaxError, ValueError, EOFError, TypeError, KeyError, IndexError) as error:
        raise PictureError(f"is no picture that can be read ({error})") from error


def _eight_bits(picture: Image) -> Image:
    from PIL import Image

    if not picture.mode.startswith("I"):
        return picture
    values = np.asarray(picture).astype(np.uint32)
    return Image.fromarray(((values + 128) // 257).clip(0, 255).astype(np.uint8))


def _has_colour(picture: Image) -> bool:
    if picture.mode in ("P", "PA"):
        palette = picture.getpalette() or []
        return not palette[0::3] == palette[1::3] == palette[2::3]
    return picture.mode not in _GREY and not picture.mode.startswith("I;")
