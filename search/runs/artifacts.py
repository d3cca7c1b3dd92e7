"""Artifacts: what is drawn and written of a training's result, for its run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ...models import figures
from ...models.confusion import Confusion, classification_report
from ...models.data import DataSet
from ...models.many_classes import ManyClassesFigure
from ...models.training import Epoch
from ...tracking.run_record import LoggedModel, Point
from ..outbox import ARCHITECTURE, MODEL, SUMMARY
from ..result import Result
from .schema import CONFUSION, CONFUSION_FIGURE, CURVES, CURVES_FIGURE, REPORT

ARCHITECTURE_FIGURE = f"figures/{ARCHITECTURE}"


@dataclass(frozen=True)
class Artifacts:
    """Makes the artifacts of results on one data set. For one thread, as its figures are."""

    data: DataSet

    @cached_property
    def _confusion_figure(self) -> figures.ConfusionFigure | ManyClassesFigure:
        return figures.confusion_figure(self.data.class_names)

    @cached_property
    def _curves_figure(self) -> figures.CurvesFigure:
        return figures.CurvesFigure()

    def model(self, entry: Path, result: Result) -> LoggedModel:
        """The model that stands in an entry."""
        shape, classes = self.data.image_shape, len(self.data.class_names)
        return LoggedModel(entry / MODEL, shape, classes, step=len(result.history))

    def draw(self, entry: Path, result: Result, heading: str) -> Path:
        """Draw and write a result's artifacts below its entry; gives their folder."""
        folder = entry / "artifacts"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        if result.history:
            self.draw_confusion(folder, result.confusion, heading)
            self.draw_curves(folder, result.history, heading)
        if (entry / ARCHITECTURE).exists():
            shutil.copyfile(entry / ARCHITECTURE, folder / ARCHITECTURE_FIGURE)
        shutil.copyfile(entry / SUMMARY, folder / SUMMARY)
        return folder

    def draw_confusion(self, folder: Path, confusion: Confusion, heading: str) -> None:
        """Write a confusion matrix, as figure and as numbers, and the report that follows from it.

        Args:
            folder: Of a run's artifacts.
            confusion: What to draw.
            heading: Above the figure.
        """
        (folder / CONFUSION_FIGURE).parent.mkdir(exist_ok=True)
        self._confusion_figure.save(folder / CONFUSION_FIGURE, confusion, heading)
        report = classification_report(confusion, self.data.class_names)
        (folder / CONFUSION).write_text(json.dumps(confusion))
        (folder / REPORT).write_text(json.dumps(report, indent=1))

    def draw_curves(self, folder: Path, history: Sequence[Epoch], heading: str) -> None:
        """Draw the learning curves; arguments as for `draw_confusion`."""
        (folder / CURVES_FIGURE).parent.mkdir(exist_ok=True)
        self._curves_figure.save(folder / CURVES_FIGURE, history, heading)


def result_metrics(result: Result) -> tuple[Point, ...]:
    """A result's curves, epoch by epoch, and its final numbers."""
    curves = [
        Point(name, getattr(epoch, name), epoch.epoch, epoch.measured_at)
        for epoch in result.history
        for name in CURVES
        if getattr(epoch, name) is not None
    ]
    final = {
        **result.metrics,
        "parameters": result.parameters,
        "train_seconds": result.train_seconds,
    }
    return (*curves, *(Point(name, value, 0, result.finished_at) for name, value in final.items()))
