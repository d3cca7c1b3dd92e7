"""Figures of a training and of a data set, in one style, as PNG files."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from PIL import ImageDraw, ImageFont

from . import many_classes
from .canvas import (
    MARK,
    MOST_CLASSES,
    SHADES,
    TEST,
    TRAIN,
    VALIDATION,
    Canvas,
    in_style,
    save,
    write,
)
from .confusion import Confusion
from .data import Images
from .labels import FILE, class_labels, set_heading
from .many_classes import ManyClassesFigure
from .training import Epoch


def confusion_figure(class_names: Sequence[str]) -> ConfusionFigure | ManyClassesFigure:
    """What draws confusion matrices of these classes."""
    few = len(class_names) <= MOST_CLASSES
    return ConfusionFigure(class_names) if few else ManyClassesFigure(class_names)


class ConfusionFigure:
    """Draws confusion matrices of at most `MOST_CLASSES` classes; not thread-safe."""

    def __init__(self, class_names: Sequence[str]) -> None:
        count = len(class_names)
        side = max(4.5, 0.55 * count + 1.8)
        labels = class_labels(class_names)
        with in_style(labels):
            figure = Figure(figsize=(side + 0.8, side), layout="constrained")
            axes = figure.add_subplot()
            image = axes.imshow(np.zeros((count, count)), cmap=SHADES, vmin=0, vmax=1)
            bar = figure.colorbar(image, ax=axes, shrink=0.8)
            bar.set_label("share of the true class")
            axes.set_xticks(range(count), labels, rotation=45, ha="right")
            axes.set_yticks(range(count), labels)
            axes.set_xlabel("predicted class")
            axes.set_ylabel("true class")
            self._title = figure.suptitle("Confusion matrix", fontsize=11)
            self._canvas = Canvas(figure, [self._title])
            corners = [(cell % count - 0.5, cell // count - 0.5) for cell in range(count**2)]
            # Pillow counts rows of pixels from the top, matplotlib from the bottom.
            places = axes.transData.transform(corners)
            self._corners = places * (1, -1) + (0, figure.bbox.height)
            self._cell = axes.transData.transform((1, 0)) - axes.transData.transform((0, 1))
            # Pillow draws the cells: for 10 classes in 4 ms, matplotlib in 80 ms.
            self._font = ImageFont.truetype(str(FILE), size=11)

    def save(self, path: Path, confusion: Confusion, title: str) -> None:
        """Write a PNG: each cell has its count, if not 0, and is shaded by its share of the row."""
        counts = np.asarray(confusion)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        shades = matplotlib.colormaps[SHADES](shares.ravel(), bytes=True)[:, :3]
        set_heading(self._title, title)
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
        save(picture, path)


class CurvesFigure:
    """Draws learning curves, loss and accuracy over epochs; not thread-safe."""

    def __init__(self) -> None:
        self._canvases: dict[Hashable, tuple[Canvas, list[Artist]]] = {}

    def save(
        self, path: Path, history: Sequence[Epoch], title: str, best: int | None = None
    ) -> None:
        """Write a PNG. Its axes end at one of a few values, so that figures can be compared.

        Args:
            path: Of the PNG.
            history: All epochs.
            title: Stands above.
            best: The epoch that is scored, which is marked; None if that is the last one.
        """
        losses = [value for one in history for value in (one.train_loss, one.val_loss or 0.0)]
        accuracies = [
            value
            for one in history
            for value in (one.train_accuracy, 1.0 if one.val_accuracy is None else one.val_accuracy)
        ]
        top = 2.0 ** max(0, math.ceil(math.log2(min(max(losses), 1e6) + 1e-9)))
        bottom = max(low for low in (0.0, 0.5, 0.8) if low <= min(accuracies))
        key = (len(history), top, bottom, best is not None)
        if key not in self._canvases:
            self._canvases[key] = self._prepare(*key)
        canvas, artists = self._canvases[key]
        heading, lines, marks = artists[0], artists[1:5], artists[5:7]
        set_heading(heading, title)  # type: ignore[arg-type]  # a Text
        numbers = [one.epoch for one in history]
        names = ("train_loss", "val_loss", "train_accuracy", "val_accuracy")
        for line, name in zip(lines, names, strict=True):
            values = [getattr(one, name) for one in history]
            known = numbers if values[0] is not None else []
            line.set_data(known, values[: len(known)])  # type: ignore[attr-defined]  # a Line2D
        for mark in marks:
            mark.set_xdata([best, best])  # type: ignore[attr-defined]  # a Line2D
        save(canvas.draw(), path)

    def _prepare(
        self, epochs: int, top: float, bottom: float, is_marked: bool
    ) -> tuple[Canvas, list[Artist]]:
        with in_style():
            figure = Figure(figsize=(9, 3.8))
            # All labels are known, so that fixed margins save matplotlib's layout computation.
            figure.subplots_adjust(left=0.075, right=0.985, bottom=0.125, top=0.9, wspace=0.17)
            heading = figure.suptitle("Learning curves", fontsize=11)
            lines: list[Artist] = []
            marks: list[Artist] = []
            legends: list[Artist] = []
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
                if is_marked:
                    marks.append(axes.axvline(1, color=MARK, linestyle="--", label="best epoch"))
                # Drawn over the mark, which is often at the end of the curves, too.
                frame: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "framealpha": 1}
                legend = axes.legend(
                    loc="upper right" if place == 1 else "lower right", frameon=is_marked, **frame
                )
                legends += [legend] if is_marked else []
            artists = [heading, *lines, *marks, *legends]
            return Canvas(figure, artists), artists


def save_class_samples(path: Path, images: Images, class_names: Sequence[str]) -> None:
    """Write a PNG with the first training image of each class, of many classes of the first."""
    labels = class_labels(class_names, most=18)[:MOST_CLASSES]
    columns = min(5, len(labels))
    rows = math.ceil(len(labels) / columns)
    which = (
        "each class"
        if len(labels) == len(class_names)
        else f"the first {len(labels)} of {len(class_names):,} classes"
    )
    with in_style(labels):
        height = 1.9 * rows + 0.4
        figure = Figure(figsize=(1.7 * columns, height))
        figure.subplots_adjust(0.02, 0.02, 0.98, 1 - 0.65 / height, wspace=0.08, hspace=0.18)
        figure.suptitle(f"One training image of {which}", y=1 - 0.08 / height, va="top")
        for label, name in enumerate(labels):
            axes = figure.add_subplot(rows, columns, label + 1)
            pixels = images.pixels[np.argmax(images.labels == label)]
            if pixels.ndim == 3 and pixels.shape[2] not in (3, 4):  # neither RGB nor RGBA
                pixels = pixels.mean(axis=2)
            axes.imshow(pixels, cmap="gray_r", vmin=0, vmax=255)
            axes.set_title(name, fontsize=9)
            axes.axis("off")
        write(figure, path)


def save_class_distribution(
    path: Path, counts: Mapping[str, Sequence[int]], class_names: Sequence[str]
) -> None:
    """Write a PNG with the number of images of each class, one group of bars for each part."""
    if len(class_names) > MOST_CLASSES:
        many_classes.save_distribution(path, counts)
        return
    labels = class_labels(class_names)
    with in_style(labels):
        figure = Figure(figsize=(max(6.0, 0.9 * len(class_names)), 4), layout="constrained")
        axes = figure.add_subplot()
        places = np.arange(len(class_names))
        width = 0.8 / len(counts)
        for index, (part, numbers) in enumerate(counts.items()):
            offset = (index - (len(counts) - 1) / 2) * width
            color = (TRAIN, VALIDATION, TEST)[index % 3]
            label = f"{part} ({sum(numbers):,})"
            axes.bar(places + offset, numbers, width, label=label, color=color)
        axes.set_xticks(places, labels, rotation=45, ha="right")
        axes.set(ylabel="images", title="Images of each class")
        axes.grid(visible=True)
        axes.legend(
            frameon=False, ncols=len(counts), loc="lower center", bbox_to_anchor=(0.5, 1.06)
        )
        write(figure, path)
