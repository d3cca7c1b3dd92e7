"""Canvases: the style that all figures share, and how they become PNG files."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from .labels import families

STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid.axis": "y",
    "grid.color": "#dddddd",
    "figure.dpi": 96,
    "axes.axisbelow": True,
    # Text is what it says: a dollar sign in the name of a class begins no formula.
    "text.parse_math": False,
    "text.usetex": False,
}
TRAIN, VALIDATION, TEST = "#1f5fa8", "#d9730d", "#5a9e4b"
MARK = "#777777"
SHADES = "Blues"
MOST_CLASSES = 50
"""Of more classes than these the names cannot be read side by side."""


def in_style(labels: Sequence[str] = ()) -> AbstractContextManager[None]:
    """The style in which a figure is made and drawn.

    Args:
        labels: What stands in it beside the program's own words; `labels.label` has made it.
    """
    return matplotlib.rc_context({**STYLE, "font.family": families(labels)})


class Canvas:
    """A figure whose unchanging part is drawn once and kept as pixels.

    Most of the time goes into axes, ticks and labels, which are the same for all trials.
    """

    def __init__(self, figure: Figure, changing: Sequence[Artist]) -> None:
        self._canvas = FigureCanvasAgg(figure)
        self._changing = changing
        if figure.get_layout_engine() is not None:
            self._canvas.draw()  # the layout needs room for the changing artists, too
            figure.set_layout_engine("none")
        for artist in changing:
            artist.set_visible(False)
        self._canvas.draw()
        self._background = self._canvas.copy_from_bbox(figure.bbox)

    def draw(self) -> Image.Image:
        """Draw the figure with the current state of the changing artists."""
        self._canvas.restore_region(self._background)
        for artist in self._changing:
            artist.set_visible(True)
            artist.draw(self._canvas.get_renderer())
        return Image.fromarray(np.asarray(self._canvas.buffer_rgba())[:, :, :3])


def save(picture: Image.Image, path: Path) -> None:
    """Write a picture as PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, compress_level=1)


def write(figure: Figure, path: Path) -> None:
    """Write a figure that is drawn once as PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure).print_png(path)
