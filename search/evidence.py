"""Evidence: what trials, studies and final models leave in MLflow, as run records."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from ..models import figures
from ..models.data import DataSet, load_training
from ..models.evaluation import Confusion, classification_report
from ..models.settings import Scoring
from ..models.split import Split
from ..models.training import Epoch
from ..tracking.record import (
    TAG_DATA,
    TAG_FOLDS,
    TAG_IMAGES,
    TAG_MODEL,
    TAG_SPACE,
    TAG_TRIAL,
    DataInput,
    LoggedModel,
    Point,
    RunRecord,
    Status,
)
from .expected import (
    CONFUSION,
    CONFUSION_FIGURE,
    CURVES,
    CURVES_FIGURE,
    REPORT,
    STATUS,
    identity,
    run_name,
    state_tags,
    study_outcome,
    training_params,
)
from .result import MODEL, SUMMARY, Duplicate, Failure, Result, read_entry
from .space import Space
from .study_record import StudyRecord
from .tables import cv_results_csv, trials_csv
from .trial import State, Trial

NO_MODEL = "dropped: --keep-models none"


@dataclass(frozen=True)
class Evidence:
    """Makes the run records of one study. For one thread, as its figures are.

    Attributes:
        study: The study.
        space: Its space.
        data: Its data set.
        split: Of the training images.
    """

    study: StudyRecord
    space: Space
    data: DataSet
    split: Split

    @cached_property
    def _confusion_figure(self) -> figures.ConfusionFigure:
        return figures.ConfusionFigure(self.data.class_names)

    @cached_property
    def _curves_figure(self) -> figures.CurvesFigure:
        return figures.CurvesFigure()

    def study_begun(self, started_at: int, folder: Path) -> RunRecord:
        """The study's run while trials are to come; `folder` is filled with its artifacts."""
        (folder / "space.yaml").write_text(self.study.space, "utf-8")
        self._draw_data(folder / "figures")
        return RunRecord(
            name=self.study.name,
            identity=identity(self.study, "study"),
            tags={
                TAG_SPACE: self.space.name,
                TAG_DATA: self.data.sha256,
                TAG_IMAGES: str(self.study.train_images or "all"),
                "mlflow.note.content": self.space.about,
            },
            status=Status.RUNNING,
            started_at=started_at,
            data=DataInput(
                self.data.name,
                self.data.sha256,
                self.data.spec,
                {"train": sum(self.data.train_counts), "test": sum(self.data.test_counts)},
            ),
            artifacts=folder,
        )

    def _draw_data(self, folder: Path) -> None:
        names, images = self.data.class_names, load_training(self.study.data)
        figures.save_class_samples(folder / "class_samples.png", images, names)
        held = np.concatenate([self.split.validation, self.split.gate])
        counts = {
            part: np.bincount(images.labels[rows], minlength=len(names)).tolist()
            for part, rows in (("training", self.split.train), ("validation", held))
        }
        counts["test"] = list(self.data.test_counts)
        figures.save_class_distribution(folder / "class_distribution.png", counts, names)

    def study_ended(
        self, trials: list[Trial], status: Status, ended_at: int, folder: Path
    ) -> RunRecord:
        """The study's run at its end or interruption; `folder` is filled with its artifacts."""
        (folder / "trials.csv").write_text(trials_csv(trials), "utf-8")
        if self.space.scoring is Scoring.CROSS_VALIDATION:
            (folder / "cv_results.csv").write_text(cv_results_csv(trials), "utf-8")
        outcome = study_outcome(self.study, self.space, trials)
        return RunRecord(
            name=self.study.name,
            identity=identity(self.study, "study"),
            status=status,
            started_at=ended_at,
            ended_at=None if status is Status.RUNNING else ended_at,
            params=outcome.params if status is Status.FINISHED else {},
            tags=outcome.tags,
            points=tuple(Point(name, one, 0, ended_at) for name, one in outcome.metrics.items()),
            artifacts=folder,
        )

    def trial(self, trial: Trial, entry: Path) -> RunRecord:
        """The run of a finished trial; its figures and tables are drawn into the entry."""
        record = RunRecord(
            name=run_name(self.study, trial.number),
            identity=identity(self.study, "trial", **{TAG_TRIAL: str(trial.number)}),
            tags={TAG_SPACE: self.space.name, TAG_DATA: self.data.sha256, **state_tags(trial)},
            status=STATUS[trial.state],
            started_at=0,
            ended_at=0,
        )
        result = read_entry(entry)
        record = replace(record, params=training_params(result.settings, result.seed))
        if isinstance(result, Failure):
            return replace(record, started_at=result.failed_at, ended_at=result.failed_at)
        if isinstance(result, Duplicate):
            at = result.told_at
            points = tuple(Point(name, one, 0, at) for name, one in trial.metrics.items())
            return replace(record, points=points, started_at=at, ended_at=at)
        done = {TAG_FOLDS: str(len(result.fit_seconds)), **result.circumstances.tags}
        has_model = (entry / MODEL).exists()
        if not has_model and trial.state is State.COMPLETE:
            record = replace(record, tags={**record.tags, TAG_MODEL: NO_MODEL})
        return replace(
            record,
            tags={**record.tags, **done},
            points=result_points(result),
            started_at=result.started_at,
            ended_at=result.finished_at,
            artifacts=self.draw(entry, result, self.heading(trial)),
            model=self.model(entry, result) if has_model else None,
        )

    def heading(self, trial: Trial) -> str:
        """What the figures of a trial say above them."""
        name = run_name(self.study, trial.number)
        return f"{name}: {self._came_to(trial)}"

    def _came_to(self, trial: Trial) -> str:
        if trial.score is None:
            return trial.reason
        if self.space.scoring is Scoring.CROSS_VALIDATION:
            return f"accuracy {trial.score:.4f} over {self.space.folds} folds"
        return f"accuracy {trial.score:.4f} after epoch {trial.metrics['best_epoch']:.0f}"

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


def result_points(result: Result) -> tuple[Point, ...]:
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
