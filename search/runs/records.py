"""Run records of a study: what its run and its trials' runs are to hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ...models.data import DataSet
from ...models.split import Split
from ...text import markdown
from ...tracking.run_record import (
    TAG_DATA,
    TAG_FOLDS,
    TAG_IMAGES,
    TAG_MODEL,
    TAG_NOTE,
    TAG_SPACE,
    DataInput,
    RunRecord,
    Status,
)
from ..outbox import MODEL, DamagedError, read_entry
from ..result import Duplicate, Failure
from ..space.score_words import score_words
from ..space.space import Space
from ..storage.study_config import StudyConfig
from ..trial import State, Trial
from .artifacts import Artifacts
from .description import describe_trial
from .schema import STUDY, TRIAL
from .schema_types import Case, write
from .study_artifacts import StudySoFar
from .values import (
    STATUS,
    cases_of_study,
    cases_of_trial,
    data_input,
    final_metrics,
    identity,
    metrics,
    result_metrics,
    run_name,
    study_outcome,
    training_params,
    trial_identity,
    trial_tags,
)

if TYPE_CHECKING:
    from optuna import Study

NO_MODEL = "dropped: --keep-models none"
LOST_MODEL = "lost: its file is not in the outbox"
"""Of a result without checksums, which do not say whether it ever had a model."""


@dataclass(frozen=True)
class RunRecords:
    """Makes the run records of one study. For one thread, as its figures are.

    Attributes:
        split: Of the training images.
    """

    study: StudyConfig
    data: DataSet
    split: Split

    @property
    def space(self) -> Space:
        return self.study.space

    @cached_property
    def artifacts(self) -> Artifacts:
        """What makes the artifacts of its results."""
        return Artifacts(self.data)

    def study_begun(self, started_at: int, folder: Path) -> RunRecord:
        """The study's run while trials are to come; `folder` is filled with its artifacts."""
        missing = self.write({Case.BEGUN}, folder)
        tags = {
            TAG_SPACE: self.space.name,
            TAG_DATA: self.data.sha256,
            TAG_IMAGES: str(self.study.train_images or "all"),
            TAG_NOTE: markdown(self.space.about),
        }
        return RunRecord(
            name=self.study.name,
            identity=identity(self.study, "study"),
            tags={**STUDY.tags_of(tags), **missing},
            status=Status.RUNNING,
            started_at=started_at,
            data=self.data_input,
            artifacts=folder,
        )

    @property
    def data_input(self) -> DataInput:
        """The data set as MLflow shows it."""
        return data_input(self.data)

    def study_ended(
        self,
        trials: Sequence[Trial],
        status: Status,
        ended_at: int,
        folder: Path,
        *,
        optuna_study: Callable[[], Study] | None = None,
    ) -> RunRecord:
        """The study's run at its end or interruption; `folder` is filled with its artifacts.

        Args:
            trials: All of them.
            status: In which it ends; RUNNING if other coordinators go on.
            ended_at: Milliseconds since 1970, UTC.
            folder: For the artifacts.
            optuna_study: Gives the study as Optuna's own, for figures of the search.
        """
        cases = cases_of_study(self.study, trials) | {Case.ENDED}
        missing = self.write(cases, folder, trials, optuna_study)
        outcome = study_outcome(self.study, trials)
        # MLflow calls the highest step the last: clocks may go back between two sessions.
        step = sum(trial.state.finished for trial in trials)
        return RunRecord(
            name=self.study.name,
            identity=identity(self.study, "study"),
            status=status,
            started_at=ended_at,
            ended_at=None if status is Status.RUNNING else ended_at,
            params=outcome.params if status is Status.FINISHED else {},
            tags={**outcome.tags, **missing},
            metrics=metrics(outcome.metrics, ended_at, step),
            artifacts=folder,
        )

    def write(
        self,
        cases: Set[Case],
        folder: Path,
        trials: Sequence[Trial] = (),
        optuna_study: Callable[[], Study] | None = None,
    ) -> Mapping[str, str]:
        """Fill a folder with the artifacts of the study's run in some cases; see `study_ended`.

        Returns:
            The tags that say which could not be made, and why.
        """
        study = StudySoFar(
            config=self.study,
            data=self.data,
            split=self.split,
            trials=trials,
            optuna_study=optuna_study,
        )
        return write(STUDY.artifacts_of(cases), study, folder).missing

    def trial(self, trial: Trial, entry: Path) -> RunRecord:
        """The run of a finished trial; its figures and tables are drawn into the entry.

        Raises:
            DamagedError: The entry is not as its trainer left it.
        """
        result_id, result = read_entry(entry)
        if result_id != trial.result:
            raise DamagedError(entry, "the storage has another result of this trial")
        record = RunRecord(
            name=run_name(self.study, trial.number),
            identity=trial_identity(self.study, trial.number),
            tags={**trial_tags(self.study, trial), TAG_NOTE: describe_trial(self.study, trial)},
            params=training_params(result.settings, result.seed),
            status=STATUS[trial.state],
            started_at=0,
            ended_at=0,
            data=self.data_input,
        )
        if isinstance(result, Failure):
            return replace(record, started_at=result.failed_at, ended_at=result.failed_at)
        if isinstance(result, Duplicate):
            at = result.told_at
            numbers = final_metrics(trial.metrics, at, trial.number)
            return replace(record, metrics=numbers, started_at=at, ended_at=at)
        cases = cases_of_trial(self.study, trial)
        has_model = (entry / MODEL).exists()
        measured = {TAG_FOLDS: str(len(result.fit_seconds)), **result.environment.tags}
        if not has_model and trial.state is State.COMPLETE:
            was_dropped = result_id or self.study.keep_models == 0
            measured[TAG_MODEL] = NO_MODEL if was_dropped else LOST_MODEL
            cases |= {Case.MODEL_DROPPED}
        if result.right:
            cases |= {Case.IS_RIGHT}
        made = self.artifacts.make(
            TRIAL, cases, entry=entry, result=result, heading=self.heading(trial)
        )
        return replace(
            record,
            tags={**record.tags, **TRIAL.tags_of(measured, cases), **made.missing},
            metrics=result_metrics(result, trial.number),
            started_at=result.started_at,
            ended_at=result.finished_at,
            artifacts=made.folder,
            model=self.artifacts.model(entry, result) if has_model else None,
        )

    def heading(self, trial: Trial) -> str:
        """What the figures of a trial say above them."""
        name = run_name(self.study, trial.number)
        return f"{name}: {self._came_to(trial)}"

    def _came_to(self, trial: Trial) -> str:
        if trial.score is None:
            return trial.reason
        return score_words(self.space, trial.score, trial.metrics)
