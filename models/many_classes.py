"""Figures of many classes: what can still be read, in a picture of one size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .canvas import SHADES, TEST, TRAIN, VALIDATION, in_style, write
from .confusion import Confusion
from .labels import class_labels, set_heading

MOST_PAIRS = 25
MOST_DOTS = 400
"""Rows of the shaded matrix, which is about as many pixels high."""

Counts = npt.NDArray[np.int64]


class ManyClassesFigure:
    """Draws confusion matrices: shaded without numbers, beside the pairs most often confused."""

    def __init__(self, class_names: Sequence[str]) -> None:
        self._labels = class_labels(class_names)

    def save(self, path: Path, confusion: Confusion, title: str) -> None:
        """Write a PNG; arguments as for `ConfusionFigure.save`."""
        counts = np.asarray(confusion)
        pairs = _most_confused(counts)
        with in_style([self._labels[one] for pair in pairs for one in pair]):
            figure = Figure(figsize=(13, 6.6))
            set_heading(figure.suptitle("", fontsize=11), title)
            _draw_matrix(figure, figure.add_axes((0.05, 0.09, 0.42, 0.8)), counts)
            axes = figure.add_axes((0.58, 0.09, 0.4, 0.8))
            axes.set_title("most often confused", loc="left", fontsize=10, pad=18)
            _draw_pairs(axes, pairs, counts, self._labels)
            write(figure, path)


def _most_confused(counts: Counts) -> list[tuple[int, int]]:
    """Pairs of a true class and another one that it was taken for, the most frequent first."""
    confused = counts.copy()
    np.fill_diagonal(confused, 0)
    order = np.argsort(-confused, axis=None, kind="stable")[:MOST_PAIRS]
    pairs = [divmod(int(cell), len(counts)) for cell in order]
    return [pair for pair in pairs if confused[pair]]


def _draw_matrix(figure: Figure, axes: Axes, counts: Counts) -> None:
    count = len(counts)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    together = -(-count // MOST_DOTS)
    dots = _largest_of_blocks(shares, together)
    end = len(dots) * together - 0.5
    # Shades follow the root of the share, or confusions would be too pale to be seen.
    image = axes.imshow(
        dots,
        cmap=SHADES,
        norm=PowerNorm(0.5, 0, 1),
        interpolation="nearest",
        extent=(-0.5, end, end, -0.5),
    )
    axes.set(xlim=(-0.5, count - 0.5), ylim=(count - 0.5, -0.5))
    axes.set(xlabel="number of the predicted class", ylabel="number of the true class")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(8, integer=True))
    bar = figure.colorbar(image, cax=figure.add_axes((0.485, 0.2, 0.01, 0.58)))
    of_dots = f", the largest of {together} x {together}" if together > 1 else ""
    bar.set_label(f"share of the true class{of_dots}")


def _largest_of_blocks(shares: npt.NDArray[np.float64], side: int) -> npt.NDArray[np.float64]:
    """The matrix with each block of so many rows and columns as its largest value."""
    blocks = -(-len(shares) // side)
    whole = np.zeros((blocks * side, blocks * side))
    whole[: len(shares), : len(shares)] = shares
    largest: npt.NDArray[np.float64] = whole.reshape(blocks, side, blocks, side).max(axis=(1, 3))
    return largest


def _draw_pairs(
    axes: Axes, pairs: Sequence[tuple[int, int]], counts: Counts, labels: Sequence[str]
) -> None:
    """A bar for each pair; names stand in columns, for an arrow between them could turn round.

    Names in Arabic or Hebrew are read from right to left, and so would be what joins them.
    """
    axes.axis("off")
    axes.set(xlim=(0, 1), ylim=(MOST_PAIRS - 0.5, -0.5))
    if not pairs:
        axes.text(0, 0, "nothing was confused", va="center")
        return
    most = counts[pairs[0]]
    for place, text, side in (
        (0.0, "true class", "left"),
        (0.43, "taken for", "left"),
        (1, "images, share", "right"),
    ):
        axes.text(place, -1, text, ha=side, va="center", color="#555555")
    for row, (true, predicted) in enumerate(pairs):
        times = counts[true, predicted]
        axes.barh(row, times / most, 0.8, color="#d6e4f2")
        axes.text(0.005, row, labels[true], va="center", fontsize=8)
        axes.text(0.43, row, labels[predicted], va="center", fontsize=8)
        share = f"{times:,}, {times / counts[true].sum():.0%}"
        axes.text(1, row, share, va="center", ha="right", fontsize=8)


def save_distribution(path: Path, counts: Mapping[str, Sequence[int]]) -> None:
    """Write a PNG with the number of images of each class, one line of steps for each part."""
    classes = len(next(iter(counts.values())))
    with in_style():
        figure = Figure(figsize=(12, 4), layout="constrained")
        axes = figure.add_subplot()
        edges = np.arange(classes + 1) - 0.5
        look: dict[str, Any] = {"linewidth": 1.0, "baseline": None}
        for color, (part, numbers) in zip((TRAIN, VALIDATION, TEST), counts.items(), strict=False):
            axes.stairs(numbers, edges, color=color, label=f"{part} ({sum(numbers):,})", **look)
        axes.set(xlabel="number of the class", ylabel="images", title="Images of each class")
        axes.set(xlim=(-0.5, classes - 0.5), ylim=(0, None))
        axes.xaxis.set_major_locator(MaxNLocator(12, integer=True))
        axes.grid(visible=True)
        axes.legend(
            frameon=False, ncols=len(counts), loc="lower center", bbox_to_anchor=(0.5, 1.06)
        )
        write(figure, path)
