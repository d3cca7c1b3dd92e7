"""The runs of a reproduction: one parent, and a child for each experiment and seed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ...text import markdown
from ...tracking.run_record import (
    TAG_CHOSEN,
    TAG_DATA,
    TAG_EXPERIMENT,
    TAG_ID,
    TAG_IMAGES,
    TAG_NOTE,
    TAG_ROLE,
    TAG_SEARCHED,
    TAG_SEED,
    TAG_STUDY,
    DataInput,
    RunRecord,
    Status,
)
from ..result import Result
from ..runs.artifacts import Artifacts
from ..runs.schema import EXPERIMENT, REPRODUCTION
from ..runs.schema_types import Case, Made
from ..runs.values import metrics, result_metrics, training_params
from ..trainers.jobs import FinalJob
from .catalogue import Experiment
from .outcomes import Chosen, Searched
from .plan import ReproductionConfig, ReproductionPlan


@dataclass(frozen=True)
class ReproductionRuns:
    """Makes the run records of one reproduction; not thread-safe."""

    plan: ReproductionPlan
    record: ReproductionConfig

    @cached_property
    def artifacts(self) -> Artifacts:
        """Draws the figures of results."""
        return Artifacts(self.plan.data)

    def identity(self, role: str, **more: str) -> dict[str, str]:
        """The tags by which a run is found."""
        return {TAG_STUDY: self.plan.name, TAG_ID: self.record.id, TAG_ROLE: role, **more}

    def child(self, experiment: Experiment, seed: int) -> dict[str, str]:
        """The identity of the run of one experiment and seed."""
        return self.identity("experiment", **{TAG_EXPERIMENT: experiment.id, TAG_SEED: str(seed)})

    def whole(self, status: Status, folder: Path | None = None) -> RunRecord:
        """The parent run; `folder` has the report, if it is finished."""
        data, now = self.plan.data, time.time_ns() // 1_000_000
        about = "The published experiments again, measured beside what was published."
        if self.plan.rehearsal:
            about += f" A rehearsal: {self.plan.rehearsal}."
        tags = {
            TAG_DATA: data.sha256,
            TAG_IMAGES: str(self.plan.train_images or "all"),
            TAG_NOTE: markdown(about),
        }
        return RunRecord(
            name=self.plan.name,
            identity=self.identity("reproduction"),
            tags=REPRODUCTION.tags_of(tags),
            status=status,
            started_at=now,
            ended_at=None if status is Status.RUNNING else now,
            data=DataInput(data.name, data.sha256, data.spec, data.profile),
            artifacts=folder,
        )

    def draw(self, experiment: Experiment, seed: int, result: Result) -> Made:
        """Draw the figures of a result."""
        entry = self.plan.entry(experiment, seed)
        accuracy = result.metrics["test_accuracy"]
        heading = f"{experiment.id}, seed {seed}: test accuracy {accuracy:.4f}"
        return self.artifacts.make(
            EXPERIMENT, {Case.TRAINING}, entry=entry, result=result, heading=heading
        )

    def trained(
        self,
        experiment: Experiment,
        seed: int,
        job: FinalJob,
        result: Result,
        *,
        chosen: Chosen | None,
    ) -> RunRecord:
        """The run of one training."""
        tags = {
            TAG_DATA: self.plan.data.sha256,
            TAG_NOTE: markdown(experiment.title),
            **result.environment.tags,
        }
        cases = {Case.TRAINING}
        if chosen is not None:
            cases, tags[TAG_CHOSEN] = {*cases, Case.CHOSEN}, chosen.study
        made = self.draw(experiment, seed, result)
        return RunRecord(
            name=job.folder.name,
            identity=self.child(experiment, seed),
            tags={**EXPERIMENT.tags_of(tags, cases), **made.missing},
            params=training_params(result.settings, result.seed),
            metrics=result_metrics(result),
            status=Status.FINISHED,
            started_at=result.started_at,
            ended_at=result.finished_at,
            artifacts=made.folder,
            model=self.artifacts.model(job.folder, result),
        )

    def searched(self, experiment: Experiment, search: Searched, folder: Path) -> RunRecord:
        """The run of one search of a grid; `folder` has the artifacts of its best trial."""
        best, now = search.best, time.time_ns() // 1_000_000
        numbers = {
            **best.metrics,
            "best_trial": best.number,
            "published_winner_rank": search.rank(experiment.winner),
            "trials": len(search.trials),
        }
        tags = {
            TAG_DATA: self.plan.data.sha256,
            TAG_NOTE: markdown(f"{experiment.title}: the best trial of {search.study}."),
            TAG_SEARCHED: search.study,
        }
        return RunRecord(
            name=self.plan.entry(experiment, search.seed).name,
            identity=self.child(experiment, search.seed),
            tags=EXPERIMENT.tags_of(tags, {Case.GRID}),
            params=training_params(best.parameters, search.seed),
            metrics=metrics(numbers, now),
            status=Status.FINISHED,
            started_at=now,
            ended_at=now,
            artifacts=folder,
        )
