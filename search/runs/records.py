"""Evidence: what trials, studies and final models leave in MLflow, as run records."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from ...models import figures
from ...models.data import DataSet, load_training
from ...models.settings import Scoring
from ...models.split import Split
from ...tracking.run_record import (
    TAG_DATA,
    TAG_FOLDS,
    TAG_IMAGES,
    TAG_MODEL,
    TAG_SPACE,
    TAG_TRIAL,
    DataInput,
    Metric,
    RunRecord,
    Status,
)
from ..outbox import MODEL, read_entry
from ..result import Duplicate, Failure
from ..space.space import Space
from ..storage.study_config import StudyConfig
from ..trial import State, Trial
from .artifacts import Artifacts, result_metrics
from .schema import STATUS, identity, run_name, state_tags, study_outcome, training_params
from .tables import cv_results_csv, trials_csv

NO_MODEL = "dropped: --keep-models none"


@dataclass(frozen=True)
class RunRecords:
    """Makes the run records of one study. For one thread, as its figures are.

    Attributes:
        study: The study.
        data: Its data set.
        split: Of the training images.
    """

    study: StudyConfig
    data: DataSet
    split: Split

    @property
    def space(self) -> Space:
        """Of the study."""
        return self.study.space

    @cached_property
    def artifacts(self) -> Artifacts:
        """What makes the artifacts of its results."""
        return Artifacts(self.data)

    def study_begun(self, started_at: int, folder: Path) -> RunRecord:
        """The study's run while trials are to come; `folder` is filled with its artifacts."""
        (folder / "space.yaml").write_text(self.study.space.text, "utf-8")
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
        names, images = self.data.class_names, load_training(self.data.spec)
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
        # MLflow calls the highest step the last: clocks may go back between two sessions.
        step = sum(trial.state.finished for trial in trials)
        return RunRecord(
            name=self.study.name,
            identity=identity(self.study, "study"),
            status=status,
            started_at=ended_at,
            ended_at=None if status is Status.RUNNING else ended_at,
            params=outcome.params if status is Status.FINISHED else {},
            tags=outcome.tags,
            metrics=tuple(
                Metric(name, one, step, ended_at) for name, one in outcome.metrics.items()
            ),
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
            metrics = tuple(Metric(name, one, 0, at) for name, one in trial.metrics.items())
            return replace(record, metrics=metrics, started_at=at, ended_at=at)
        done = {TAG_FOLDS: str(len(result.fit_seconds)), **result.environment.tags}
        has_model = (entry / MODEL).exists()
        if not has_model and trial.state is State.COMPLETE:
            record = replace(record, tags={**record.tags, TAG_MODEL: NO_MODEL})
        return replace(
            record,
            tags={**record.tags, **done},
            metrics=result_metrics(result),
            started_at=result.started_at,
            ended_at=result.finished_at,
            artifacts=self.artifacts.draw(entry, result, self.heading(trial)),
            model=self.artifacts.model(entry, result) if has_model else None,
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
