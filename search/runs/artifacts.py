"""Artifacts of a training: one function writes each, and its docstring says what it shows.

To add one, write its function, and name it in the kind of run of `schema.py` that is to have it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ...models import figures
from ...models.confusion import Confusion, classification_report
from ...models.data import DataSet, load_training
from ...models.many_classes import ManyClassesFigure
from ...models.own_code import OwnCode
from ...models.paired import Flags, unpacked
from ...models.pictures import background_of
from ...models.training import Epoch
from ...tracking.run_record import LoggedModel
from ..outbox import ARCHITECTURE, MODEL, OWN_CODE, SUMMARY
from ..result import Result
from .schema_types import Case, Kind, Made, write

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MOST_LOOKED_AT = 2_000
"""Training images, to find out what is around what they show."""


@dataclass(frozen=True)
class Artifacts:
    """Makes the artifacts of trainings on one data set. For one thread, as its figures are."""

    data: DataSet

    @cached_property
    def confusion_figure(self) -> figures.ConfusionFigure | ManyClassesFigure:
        return figures.confusion_figure(self.data.class_names)

    @cached_property
    def curves_figure(self) -> figures.CurvesFigure:
        return figures.CurvesFigure()

    def model(self, entry: Path, result: Result) -> LoggedModel:
        """The model that stands in an entry."""
        names, step = self.data.class_names, len(result.history)
        own = OwnCode.read(entry / OWN_CODE) or OwnCode("", {})
        return LoggedModel(
            entry / MODEL,
            names,
            step,
            self._training[:1],
            background=self._background,
            module=own.module,
            code=own.files,
        )

    @cached_property
    def _training(self) -> npt.NDArray[np.uint8]:
        """Some of the training images, from all places among them."""
        pixels = load_training(self.data.prepared).pixels
        return pixels[:: -(-len(pixels) // MOST_LOOKED_AT)].copy()

    @cached_property
    def _background(self) -> str:
        return background_of(self._training)

    def make(
        self,
        kind: Kind[TrainingDone],
        cases: Set[Case] = frozenset(),
        *,
        entry: Path,
        result: Result,
        heading: str,
    ) -> Made:
        """Make the artifacts of a training, below its entry."""
        folder = entry / "artifacts"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        training = TrainingDone(
            on=self,
            heading=heading,
            confusion=result.confusion,
            history=result.history,
            best_epoch=best_epoch(result.metrics),
            right=result.right,
            entry=entry,
        )
        return write(kind.artifacts_of(cases), training, folder)


@dataclass(frozen=True, kw_only=True)
class TrainingDone:
    """What the artifacts of a training are made from.

    Attributes:
        on: The figures of its data set.
        heading: Stands above each figure.
        confusion, history, right: As in `Result`.
        best_epoch: Which is scored; None if that is the last one.
        entry: The folder that the trainer filled; None for the doctor, who has the run alone.
    """

    on: Artifacts
    heading: str
    confusion: Confusion
    history: Sequence[Epoch]
    best_epoch: int | None = None
    right: str = ""
    entry: Path | None = None

    def copy(self, name: str, file: Path) -> None:
        """Copy a file that the trainer wrote."""
        if self.entry is None:
            raise ValueError(f"{name} is the trainer's: the doctor cannot make it again")
        shutil.copyfile(self.entry / name, file)


def best_epoch(metrics: Mapping[str, float]) -> int | None:
    """The epoch of which a trial has its score; None if that is the last one."""
    return int(metrics["best_epoch"]) if "best_epoch" in metrics else None


def confusion_counts(training: TrainingDone, file: Path) -> None:
    """Counts of the images: rows true classes, columns predicted ones; pooled over folds."""
    file.write_text(json.dumps(training.confusion))


def right(training: TrainingDone, file: Path) -> None:
    """Whether it is right about each validation image: bits, in base64, the first the highest."""
    images = sum(map(sum, training.confusion))
    file.write_text(json.dumps({"images": images, "right": training.right}))


def read_right(text: str | None) -> Flags | None:
    """What `right` wrote, bool (n,); None if there is nothing, or it is damaged."""
    try:
        fields = json.loads(text or "")
        return unpacked(fields["right"], fields["images"])
    except (ValueError, TypeError, LookupError):
        return None


def confusion_figure(training: TrainingDone, file: Path) -> None:
    """These counts, shaded by their share of the true class."""
    training.on.confusion_figure.save(file, training.confusion, training.heading)


def report(training: TrainingDone, file: Path) -> None:
    """Precision, recall and F1 of each class, as scikit-learn's `classification_report`."""
    counted = classification_report(training.confusion, training.on.data.class_names)
    file.write_text(json.dumps(counted, indent=1))


def curves_figure(training: TrainingDone, file: Path) -> None:
    """Loss and accuracy after each epoch; the best one is marked, where that is scored."""
    training.on.curves_figure.save(file, training.history, training.heading, training.best_epoch)


def summary(training: TrainingDone, file: Path) -> None:
    """Keras' table of the network's layers."""
    training.copy(SUMMARY, file)


def architecture(training: TrainingDone, file: Path) -> None:
    """A picture of the network's layers."""
    training.copy(ARCHITECTURE, file)
