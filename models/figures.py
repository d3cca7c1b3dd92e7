"""Figures of a training and of a data set, in one style, as PNG files."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont

from .confusion import Confusion
from .data import Images
from .training import Epoch

STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid.axis": "y",
    "grid.color": "#dddddd",
    "figure.dpi": 96,
    "axes.axisbelow": True,
}
TRAIN, VALIDATION, TEST = "#1f5fa8", "#d9730d", "#5a9e4b"
SHADES = "Blues"


class _Canvas:
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


class ConfusionFigure:
    """Draws confusion matrices of one set of classes; not thread-safe."""

    def __init__(self, class_names: Sequence[str]) -> None:
        count = len(class_names)
        side = max(4.5, 0.55 * count + 1.8)
        with matplotlib.rc_context(STYLE):
            figure = Figure(figsize=(side + 0.8, side), layout="constrained")
            axes = figure.add_subplot()
            image = axes.imshow(np.zeros((count, count)), cmap=SHADES, vmin=0, vmax=1)
            bar = figure.colorbar(image, ax=axes, shrink=0.8)
            bar.set_label("share of the true class")
            axes.set_xticks(range(count), class_names, rotation=45, ha="right")
            axes.set_yticks(range(count), class_names)
            axes.set_xlabel("predicted class")
            axes.set_ylabel("true class")
            self._title = figure.suptitle("Confusion matrix", fontsize=11)
            self._canvas = _Canvas(figure, [self._title])
            corners = [(cell % count - 0.5, cell // count - 0.5) for cell in range(count**2)]
            # Pillow counts rows of pixels from the top, matplotlib from the bottom.
            places = axes.transData.transform(corners)
            self._corners = places * (1, -1) + (0, figure.bbox.height)
            self._cell = axes.transData.transform((1, 0)) - axes.transData.transform((0, 1))
            # Pillow draws the cells: for 10 classes in 4 ms, matplotlib in 80 ms.
            font = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
            self._font = ImageFont.truetype(str(font), size=11)

    def save(self, path: Path, confusion: Confusion, title: str) -> None:
        """Write a PNG: each cell has its count, if not 0, and is shaded by its share of the row."""
        counts = np.asarray(confusion)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        shades = matplotlib.colormaps[SHADES](shares.ravel(), bytes=True)[:, :3]
        self._title.set_text(title)
        picture = self._canvas.draw()
        pen = ImageDraw.Draw(picture)
        for corner, count, share, shade in zip(
            self._corners, counts.flat, shares.flat, shades, strict=True
        ):
            pen.rectangle((*corner, *(corner + self._cell)), fill=tuple(shade))
            if count:
                color = "white" if share > 0.5 else "black"
                centre = tuple(corner + self._cell / 2)
                pen.text(centre, str(count), color, self._font, anchor="mm")
        _save(picture, path)


class CurvesFigure:
    """Draws learning curves, loss and accuracy over epochs; not thread-safe."""

    def __init__(self) -> None:
        self._canvases: dict[Hashable, tuple[_Canvas, list[Artist]]] = {}

    def save(self, path: Path, history: Sequence[Epoch], title: str) -> None:
        """Write a PNG. Its axes end at one of a few values, so that figures can be compared."""
        losses = [value for one in history for value in (one.train_loss, one.val_loss or 0.0)]
        accuracies = [
            value
            for one in history
            for value in (one.train_accuracy, 1.0 if one.val_accuracy is None else one.val_accuracy)
        ]
        top = 2.0 ** max(0, math.ceil(math.log2(min(max(losses), 1e6) + 1e-9)))
        bottom = max(low for low in (0.0, 0.5, 0.8) if low <= min(accuracies))
        key = (len(history), top, bottom)
        if key not in self._canvases:
            self._canvases[key] = self._prepare(*key)
        canvas, artists = self._canvases[key]
        heading, *lines = artists
        heading.set_text(title)  # type: ignore[attr-defined]  # a Text
        numbers = [one.epoch for one in history]
        names = ("train_loss", "val_loss", "train_accuracy", "val_accuracy")
        for line, name in zip(lines, names, strict=True):
            values = [getattr(one, name) for one in history]
            known = numbers if values[0] is not None else []
            line.set_data(known, values[: len(known)])  # type: ignore[attr-defined]  # a Line2D
        _save(canvas.draw(), path)

    def _prepare(self, epochs: int, top: float, bottom: float) -> tuple[_Canvas, list[Artist]]:
        with matplotlib.rc_context(STYLE):
            figure = Figure(figsize=(9, 3.8))
            # All labels are known, so that fixed margins save matplotlib's layout computation.
            figure.subplots_adjust(left=0.075, right=0.985, bottom=0.125, top=0.9, wspace=0.17)
            heading = figure.suptitle("Learning curves", fontsize=11)
            lines: list[Artist] = []
            for place, (what, low, high) in enumerate(
                (("loss (cross-entropy, nats)", 0.0, top), ("accuracy", bottom, 1.0)), start=1
            ):
                axes = figure.add_subplot(1, 2, place)
                axes.set(xlabel="epoch", ylabel=what, ylim=(low, high))
                axes.set_xlim(0.5, epochs + 0.5)
                axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(8, integer=True))
                axes.grid(visible=True)
                style: dict[str, Any] = {"marker": "o", "markersize": 3, "linewidth": 1.5}
                lines += axes.plot([], [], color=TRAIN, label="training", **style)
                lines += axes.plot([], [], color=VALIDATION, label="validation", **style)
                axes.legend(frameon=False, loc="upper right" if place == 1 else "lower right")
            artists = [heading, *lines]
            return _Canvas(figure, artists), artists


def save_class_samples(path: Path, images: Images, class_names: Sequence[str]) -> None:
    """Write a PNG with the first training image of each class."""
    count = len(class_names)
    columns = min(5, count)
    rows = math.ceil(count / columns)
    with matplotlib.rc_context(STYLE):
        height = 1.9 * rows + 0.4
        figure = Figure(figsize=(1.7 * columns, height))
        figure.subplots_adjust(0.02, 0.02, 0.98, 1 - 0.65 / height, wspace=0.08, hspace=0.18)
        figure.suptitle("One training image of each class", y=1 - 0.08 / height, va="top")
        for label, name in enumerate(class_names):
            axes = figure.add_subplot(rows, columns, label + 1)
            pixels = images.pixels[np.argmax(images.labels == label)]
            if pixels.ndim == 3 and pixels.shape[2] not in (3, 4):  # neither RGB nor RGBA
                pixels = pixels.mean(axis=2)
            axes.imshow(pixels, cmap="gray_r", vmin=0, vmax=255)
            axes.set_title(name, fontsize=9)
            axes.axis("off")
        _write(figure, path)


def save_class_distribution(
    path: Path, counts: Mapping[str, Sequence[int]], class_names: Sequence[str]
) -> None:
    """Write a PNG with the number of images of each class, one group of bars for each part."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(max(6.0, 0.9 * len(class_names)), 4), layout="constrained")
        axes = figure.add_subplot()
        places = np.arange(len(class_names))
        width = 0.8 / len(counts)
        for index, (part, numbers) in enumerate(counts.items()):
            offset = (index - (len(counts) - 1) / 2) * width
            color = (TRAIN, VALIDATION, TEST)[index % 3]
            label = f"{part} ({sum(numbers):,})"
            axes.bar(places + offset, numbers, width, label=label, color=color)
        axes.set_xticks(places, class_names, rotation=45, ha="right")
        axes.set(ylabel="images", title="Images of each class")
        axes.grid(visible=True)
        axes.legend(
            frameon=False, ncols=len(counts), loc="lower center", bbox_to_anchor=(0.5, 1.06)
        )
        _write(figure, path)


def _save(picture: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, compress_level=1)


def _write(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure).print_png(path)
