"""Labels: names and headings from outside, as a figure can show them whatever they hold."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

if TYPE_CHECKING:
    from matplotlib.text import Text

FAMILY = "DejaVu Sans"
FILE = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
"""The font of all figures; matplotlib brings it."""
MISSING = "\N{WHITE SQUARE}"
"""Stands for a character that no font of this machine has."""
MOST_CHARACTERS = 28
HEADING_PIXELS = 8
"""Room that a character of a heading takes."""


def class_labels(class_names: Sequence[str], most: int = MOST_CHARACTERS) -> list[str]:
    """A label for each class, no two alike.

    A class whose name cannot be shown as it is, or is another one's too, has its number before it.
    """
    shown = [label(name, most) for name in class_names]
    times = Counter(shown)
    return [
        text if text == name and times[text] == 1 else f"{number}: {text}"
        for number, (name, text) in enumerate(zip(class_names, shown, strict=True))
    ]


def label(text: str, most: int = MOST_CHARACTERS) -> str:
    """One line of at most so many characters, each of which some font here has."""
    line = "".join(_drawable(one) for one in " ".join(text.split()))
    if len(line) <= most:
        return line
    end = most // 3
    return f"{line[: most - end - 1].rstrip()}…{line[-end:].lstrip()}"


def families(texts: Sequence[str]) -> list[str]:
    """Font families that together have all characters of these labels."""
    others = {_family(one) for one in set("".join(texts))} - {FAMILY, ""}
    return [FAMILY, *sorted(others)]


def set_heading(heading: Text, text: str) -> None:
    """Let a figure's heading say a text from outside."""
    assert heading.figure is not None
    shown = label(text, int(heading.figure.bbox.width / HEADING_PIXELS))
    heading.set(text=shown, fontfamily=families([shown]))


def _drawable(character: str) -> str:
    kind = unicodedata.category(character)
    if kind == "Cf" or unicodedata.name(character, "").startswith("VARIATION SELECTOR"):
        return ""  # it has no shape of its own
    return character if kind[0] != "C" and _family(character) else MISSING


@cache
def _family(character: str) -> str:
    """The font family that has a character; empty if none on this machine has."""
    if ord(character) in _characters(str(FILE)):
        return FAMILY
    for family, file in _installed().items():
        if ord(character) in _characters(file):
            return family
    return ""


@cache
def _installed() -> dict[str, str]:
    """Files of the upright fonts that are not matplotlib's own, which are for formulas."""
    own = Path(matplotlib.get_data_path())
    found: dict[str, str] = {}
    for font in sorted(font_manager.fontManager.ttflist, key=lambda one: (one.name, one.fname)):
        is_plain = font.style == "normal" and font.weight in (400, "normal", "regular", "book")
        # The system's font of last resort has a box for every character.
        if is_plain and own not in Path(font.fname).parents and "Last" not in font.name:
            found.setdefault(font.name, font.fname)
    return found


@cache
def _characters(file: str) -> frozenset[int]:
    """Code points that a font has; none if it is made of pictures, which cannot be drawn."""
    try:
        font = FT2Font(file)
        return frozenset(font.get_charmap()) if font.scalable else frozenset()
    except (OSError, RuntimeError):  # removed since matplotlib listed it, or damaged
        return frozenset()
