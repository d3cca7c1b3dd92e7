"""Evidence: what trials, studies and final models leave in MLflow, as run records."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from ..models import figures
from ..models.data import DataSet, load_training
from ..models.evaluation import classification_report
from ..models.settings import Scoring
from ..models.split import Split
from ..tracking.record import (
    TAG_BEST,
    TAG_DATA,
    TAG_DUPLICATE,
    TAG_ERROR,
    TAG_FOLDS,
    TAG_ID,
    TAG_IMAGES,
    TAG_PRUNED,
    TAG_ROLE,
    TAG_SPACE,
    TAG_STATE,
    TAG_STUDY,
    TAG_TRIAL,
    DataInput,
    LoggedModel,
    Point,
    RunRecord,
    Status,
)
from .result import MODEL, SUMMARY, Duplicate, Failure, Result, read_entry
from .space import Space
from .study_record import StudyRecord
from .tables import cv_results_csv, trials_csv
from .trial import State, Trial, best_trial

CURVES = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")


def identity(study: StudyRecord, role: str, **more: str) -> dict[str, str]:
    """The tags by which a run of a study is found."""
    return {TAG_STUDY: study.name, TAG_ID: study.id, TAG_ROLE: role, **more}


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
        best = best_trial(trials)
        params, tags = {"seed": str(self.study.seed)}, dict[str, str]()
        points: tuple[Point, ...] = ()
        if best is not None and best.score is not None:
            values = {name: str(value) for name, value in best.parameters.items()}
            if self.space.engine == "optuna":  # may go on, and MLflow's params cannot change
                tags[TAG_BEST] = json.dumps(dict(best.parameters))
            else:
                params |= values
            points = (
                Point("score", best.score, 0, ended_at),
                Point("best_trial", best.number, 0, ended_at),
            )
        return RunRecord(
            name=self.study.name,
            identity=identity(self.study, "study"),
            status=status,
            started_at=ended_at,
            ended_at=ended_at,
            params=params if status is Status.FINISHED else {},
            tags=tags,
            points=points,
            artifacts=folder,
        )

    def trial(self, trial: Trial, entry: Path) -> RunRecord:
        """The run of a finished trial; its figures and tables are drawn into the entry."""
        record = RunRecord(
            name=f"{self.study.name}-{trial.number:04d}",
            identity=identity(self.study, "trial", **{TAG_TRIAL: str(trial.number)}),
            tags={TAG_SPACE: self.space.name, TAG_DATA: self.data.sha256, **_state_tags(trial)},
            status=_STATUS[trial.state],
            started_at=0,
            ended_at=0,
        )
        result = read_entry(entry)
        record = replace(record, params=self._params(result.settings, result.seed))
        if isinstance(result, Failure):
            return replace(record, started_at=result.failed_at, ended_at=result.failed_at)
        if isinstance(result, Duplicate):
            at = result.told_at
            points = tuple(Point(name, one, 0, at) for name, one in trial.metrics.items())
            return replace(record, points=points, started_at=at, ended_at=at)
        heading = f"{record.name}: {self._heading(trial, result)}"
        done = {TAG_FOLDS: str(len(result.fit_seconds)), **result.circumstances.tags}
        return replace(
            record,
            tags={**record.tags, **done},
            points=result_points(result),
            started_at=result.started_at,
            ended_at=result.finished_at,
            artifacts=self.draw(entry, result, heading),
            model=self.model(entry, result) if (entry / MODEL).exists() else None,
        )

    def _heading(self, trial: Trial, result: Result) -> str:
        if trial.score is None:
            return trial.reason
        if self.space.scoring is Scoring.CROSS_VALIDATION:
            return f"accuracy {trial.score:.4f} over {self.space.folds} folds"
        return f"accuracy {trial.score:.4f} after epoch {result.metrics['best_epoch']:.0f}"

    def _params(self, settings: Mapping[str, object], seed: int) -> dict[str, str]:
        return {**{name: str(value) for name, value in settings.items()}, "seed": str(seed)}

    def model(self, entry: Path, result: Result) -> LoggedModel:
        """The model that stands in an entry."""
        shape, classes = self.data.image_shape, len(self.data.class_names)
        return LoggedModel(entry / MODEL, shape, classes, step=len(result.history))

    def draw(self, entry: Path, result: Result, heading: str) -> Path:
        """Draw and write a result's artifacts below its entry; gives their folder."""
        folder = entry / "artifacts"
        shutil.rmtree(folder, ignore_errors=True)
        drawn = folder / "figures"
        drawn.mkdir(parents=True)
        if result.history:
            self._confusion_figure.save(drawn / "confusion_matrix.png", result.confusion, heading)
            self._curves_figure.save(drawn / "learning_curves.png", result.history, heading)
            report = classification_report(result.confusion, self.data.class_names)
            (folder / "confusion_matrix.json").write_text(json.dumps(result.confusion))
            (folder / "classification_report.json").write_text(json.dumps(report, indent=1))
        shutil.copyfile(entry / SUMMARY, folder / "model_summary.txt")
        return folder


_STATUS = {
    State.COMPLETE: Status.FINISHED,
    State.PRUNED: Status.KILLED,
    State.FAILED: Status.FAILED,
}


def _state_tags(trial: Trial) -> dict[str, str]:
    tags = {TAG_STATE: trial.state.value}
    if trial.duplicate_of is not None:
        tags[TAG_DUPLICATE] = str(trial.duplicate_of)
    if trial.state is State.FAILED:
        tags[TAG_ERROR] = trial.reason
    if trial.state is State.PRUNED:
        tags[TAG_PRUNED] = trial.reason
    return tags


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
