"""Final models of a reproduction: trained, tested and shipped, each once."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from ...errors import FmsearchError
from ...models.kernels import kernels_to_go_on
from ...models.split import Split
from ...tracking.reachability import TrackingError
from ...tracking.store import Store
from ..outbox import is_whole, read_result
from ..processes.fork_server import load_tensorflow_in_advance
from ..processes.signals import Interruption
from ..result import Result
from ..trainers.jobs import FinalJob, TrainerSetup
from ..trainers.messages import EpochDone, JobFailed
from ..trainers.pool import TrainerPool
from .catalogue import Experiment
from .outcomes import Chosen
from .runs import ReproductionRuns

log = logging.getLogger(__name__)


class ModelsCallback(Protocol):
    """Called while final models are trained."""

    def on_epoch(self, job: FinalJob, done: EpochDone) -> None:
        """A training finished an epoch."""

    def trained(self, job: FinalJob, result: Result) -> None:
        """A model is trained and tested."""


class Watch(Protocol):
    """Gives the callback for the training of final models."""

    def models(
        self, jobs: Sequence[FinalJob], trained: int
    ) -> AbstractContextManager[ModelsCallback]:
        """A context of the training of `jobs`; `trained` other models were trained before."""


@dataclass(frozen=True, kw_only=True)
class FinalModels:
    """Trains the final models of one reproduction; `parent` is the id of their parent run."""

    run_records: ReproductionRuns
    split: Split
    store: Store
    parent: str
    watch: Watch

    def train(
        self, family: str, experiments: Sequence[Experiment], chosen: Mapping[str, Chosen]
    ) -> dict[str, tuple[Result, ...]]:
        """Train experiments of one model family; returns by experiment a result for each seed.

        What is on disk is not trained again. Each model is tested once.

        Raises:
            FmsearchError: A training failed, or a result on disk is damaged.
        """
        plan = self.run_records.plan
        models = [
            _Model(one, seed, plan.job(one, seed, self.split, choice), choice)
            for one in experiments
            for choice in [chosen.get(plan.catalogue.origin(one).id)]
            for seed in plan.seeds_of(one)
        ]
        left = [one for one in models if not is_whole(one.job.folder)]
        if left:
            self._train(left, self._setup(family), len(models) - len(left))
        results: dict[str, tuple[Result, ...]] = {one.id: () for one in experiments}
        for model in models:
            results[model.experiment.id] += (self._ship(model),)
        return results

    def _kernels(self, family: str) -> str:
        """The library that computes models of a family.

        Raises:
            FmsearchError: The user's environment variables name another one.
        """
        name, recorded = self.run_records.plan.name, self.run_records.record.kernels
        return kernels_to_go_on(recorded.get(family, ""), f"the reproduction {name!r}")

    def _train(self, models: Sequence[_Model], setup: TrainerSetup, trained: int) -> None:
        """Train models that are not on disk; so many others are."""
        load_tensorflow_in_advance(self._kernels(setup.model))
        by_folder = {one.job.folder: one for one in models}
        jobs = [one.job for one in models]
        with (
            self.watch.models(jobs, trained) as callback,
            Interruption() as interruption,
            TrainerPool(min(self.run_records.plan.jobs, len(jobs)), setup) as pool,
        ):
            for job, message in pool.run(jobs, interruption.check):
                if isinstance(message, EpochDone):
                    callback.on_epoch(job, message)
                    continue
                if isinstance(message, JobFailed):
                    raise FmsearchError(f"{job.folder.name} failed: {message.error}")
                callback.trained(job, _result(job))
                try:
                    self._ship(by_folder[job.folder])
                except TrackingError as error:  # it is tried again in the end
                    log.warning("%s", error)

    def _setup(self, family: str) -> TrainerSetup:
        plan = self.run_records.plan
        return TrainerSetup(
            data=plan.data.prepared,
            classes=len(plan.data.class_names),
            model=family,
            parameters=(),
            checkpoint_every=plan.checkpoint_every,
        )

    def _ship(self, model: _Model) -> Result:
        """Ship a model's run, unless the store has it completely, and return the result."""
        result = _result(model.job)
        if not self.store.is_whole(self.run_records.child(model.experiment, model.seed)):
            record = self.run_records.trained(
                model.experiment, model.seed, model.job, result, chosen=model.chosen
            )
            self.store.ship(record, self.parent)
        return result


@dataclass(frozen=True)
class _Model:
    """One experiment with one seed, its job, and its chosen settings."""

    experiment: Experiment
    seed: int
    job: FinalJob
    chosen: Chosen | None


def _result(job: FinalJob) -> Result:
    """Read the result of a training from disk.

    Raises:
        FmsearchError: It belongs to another training.
    """
    result = read_result(job.folder)
    if (result.settings, result.seed) != ({**job.settings, "epochs": job.epochs}, job.seed):
        raise FmsearchError(
            f"{job.folder} holds a training with other settings, by another version of fmsearch; "
            "delete it, or give this reproduction a --name of its own"
        )
    return result
