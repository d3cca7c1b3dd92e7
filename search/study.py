"""The study loop: ask for trials, hand them to trainers, tell what came out."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..errors import FmsearchError
from ..models.data import DataSet, load_training
from ..models.seeds import derive_seed
from ..models.settings import Value
from ..models.split import Split, cut_folds, split_rows
from ..tracking.places import Places
from ..tracking.reachability import check_reachable
from ..tracking.record import Status
from .delivery import Delivery
from .engine import Engine
from .evidence import Evidence
from .interruption import Interruption
from .job import EpochDone, Job, JobDone, JobFailed, Message, TrainerDied, TrainerSetup, TrialJob
from .ledger import Ledger, StudyLedger, StudyRecord
from .lock import hold
from .recovery import recover, settle
from .result import Failure, entry_name, write_failure
from .space import Space
from .trainers import Trainers, load_tensorflow_in_advance
from .trial import Trial, best_trial
from .trouble import MOST_DEATHS, Trouble

log = logging.getLogger(__name__)

LISTEN_SECONDS = 0.5


class Watcher(Protocol):
    """Hears how a study goes on."""

    def begun(self, trials: list[Trial], jobs: int) -> None:
        """The study's trials are known, finished ones among them."""

    def epoch(self, trainer: int, trials: tuple[Trial, ...], done: EpochDone) -> None:
        """A trainer finished an epoch of a training that answers these trials."""

    def told(self, trial: Trial, best: Trial | None) -> None:
        """A trial is finished; the best one so far."""


@dataclass(frozen=True)
class Plan:
    """A study to run or to resume."""

    space: Space
    name: str
    data: DataSet
    seed: int
    jobs: int
    train_images: int | None
    places: Places
    offline: bool

    @property
    def record(self) -> StudyRecord:
        return StudyRecord(
            self.name,
            self.space.text,
            self.data.spec,
            self.data.sha256,
            self.seed,
            self.train_images,
        )


@dataclass(frozen=True)
class Summary:
    """How a study ended: its trials, and how many wait in the outbox (None: nothing waits)."""

    trials: list[Trial]
    waiting: int | None

    @property
    def best(self) -> Trial | None:
        return best_trial(self.trials)


def run_study(plan: Plan, watcher: Watcher) -> Summary:
    """Run a study to its end, or go on with it.

    Raises:
        FmsearchError: Something that the user can mend keeps it from running.
    """
    labels = load_training(plan.data.spec).labels
    plan.places.prepare()
    if not plan.offline:
        check_reachable(plan.places)
    with (
        hold(plan.places.lock(plan.name), f"the study {plan.name!r}"),
        Interruption() as interruption,
    ):
        load_tensorflow_in_advance()
        split = split_rows(labels, plan.train_images)
        if plan.space.folds > len(split.train):
            raise FmsearchError(
                f"{plan.space.folds} folds are more than the {len(split.train)} training images"
            )
        ledger = Ledger(plan.places.storage).open_study(plan.record)
        return _Loop(plan, ledger, split, watcher, interruption).run()


class _Loop:
    def __init__(
        self,
        plan: Plan,
        ledger: StudyLedger,
        split: Split,
        watcher: Watcher,
        interruption: Interruption,
    ) -> None:
        self._plan = plan
        self._interruption = interruption
        self._ledger = ledger
        self._watcher = watcher
        self._outbox = plan.places.outbox(ledger.record.label)
        recover(ledger, self._outbox)
        self._engine = _ENGINES[plan.space.engine](plan.space, ledger)
        self._delivery = Delivery(
            Evidence(ledger.record, plan.space, plan.data, split), ledger, plan.places
        )
        self._setup = TrainerSetup(
            plan.data.spec, len(plan.data.class_names), cut_folds(split.train, plan.space.folds)
        )
        self._running: dict[int, tuple[Trial, ...]] = {}
        self._trouble = Trouble()

    def run(self) -> Summary:
        trials = self._ledger.trials()
        unfinished = sum(not trial.state.finished for trial in trials)
        jobs = min(self._plan.jobs, unfinished)
        self._watcher.begun(trials, jobs)
        status = Status.FAILED
        try:
            if unfinished:
                with Trainers(jobs, self._setup) as trainers:
                    self._search(trainers)
            elif not self._plan.offline:
                self._delivery.begin(reopen=False)
            status = Status.FINISHED
        except KeyboardInterrupt:
            status = Status.KILLED
            raise
        finally:
            for running in self._running.values():
                for trial in running:
                    self._engine.release(trial)
            waiting = self._delivery.end(status)
        return Summary(self._ledger.trials(), waiting)

    def _search(self, trainers: Trainers) -> None:
        self._hand_out(trainers)
        if not self._plan.offline:
            self._delivery.begin()
        while self._running:
            for trainer, job, message in trainers.messages(LISTEN_SECONDS):
                self._hear(trainers, trainer, job, message)
                self._interruption.heed()
            self._interruption.heed()
            self._hand_out(trainers)

    def _hand_out(self, trainers: Trainers) -> None:
        for trainer in trainers.idle():
            trials = self._engine.ask()
            if not trials:
                return
            self._running[trainer] = trials
            trainers.give(trainer, self._job(trials))

    def _job(self, trials: tuple[Trial, ...]) -> TrialJob:
        settings = self._plan.space.settings(trials[0].parameters)
        epochs = {
            trial.number: int(self._plan.space.settings(trial.parameters)["epochs"])
            for trial in trials
        }
        del settings["epochs"]
        return TrialJob(
            epochs=epochs,
            family=self._plan.space.model,
            settings=settings,
            seed=self._seed(settings),
            entries={number: self._outbox / entry_name(number) for number in epochs},
        )

    def _hear(self, trainers: Trainers, trainer: int, job: Job | None, message: Message) -> None:
        trials = self._running.get(trainer, ())
        if isinstance(message, EpochDone):
            self._trouble.advanced(trials, (message.fold, message.epoch))
            self._watcher.epoch(trainer, trials, message)
        elif isinstance(message, JobDone):
            self._finish(trainer, "")
        elif isinstance(message, JobFailed):
            self._finish(trainer, message.error)
        elif isinstance(message, TrainerDied):
            log.warning("a trainer died (exit code %s); it is replaced", message.exit_code)
            if not self._trouble.died(trials):
                if job is not None:
                    trainers.give(trainer, job)
            elif trials:
                times = f"{MOST_DEATHS} times without a new epoch"
                self._finish(trainer, f"its trainer died {times} (exit code {message.exit_code})")
            else:
                raise FmsearchError(
                    f"trainers die at their start (exit code {message.exit_code}); "
                    "their own messages are above"
                )

    def _finish(self, trainer: int, error: str) -> None:
        """Tell or fail a training's trials, each as its folder in the outbox says.

        A trial leaves `_running` once the ledger has it, so that none is lost in between.
        """
        while trials := self._running[trainer]:
            trial, *rest = trials
            entry = self._outbox / entry_name(trial.number)
            if not entry.exists():
                self._write_failure(trial, entry, error)
            settle(self._engine, trial, entry)
            self._running[trainer] = tuple(rest)
            self._delivery.trial(trial.number)
            told = self._ledger.trials()
            self._watcher.told(told[trial.number], best_trial(told))
        del self._running[trainer]
        self._trouble.finished(error)

    def _write_failure(self, trial: Trial, entry: Path, error: str) -> None:
        settings = self._plan.space.settings(trial.parameters)
        now = time.time_ns() // 1_000_000
        write_failure(entry, Failure(settings, self._seed(settings), error, now))

    def _seed(self, settings: Mapping[str, Value]) -> int:
        """Of a training: from the study's seed and all settings but the epochs."""
        but_epochs = {name: value for name, value in settings.items() if name != "epochs"}
        return derive_seed(self._plan.seed, but_epochs)


def _keras_tuner(space: Space, ledger: StudyLedger) -> Engine:
    # Keras Tuner loads TensorFlow: only for a grid, and by the module that does so in silence.
    from ..models import backend  # noqa: F401
    from .keras_tuner_grid import KerasTunerGrid

    return KerasTunerGrid(space, ledger)


_ENGINES = {"keras_tuner": _keras_tuner}
