"""The study loop: ask for trials, hand them to trainers, tell what came out."""

from __future__ import annotations

import logging
import time
from collections import Counter
from dataclasses import dataclass
from typing import Protocol

from ..errors import FmsearchError
from ..models.data import DataSet, load_training
from ..models.seeds import derive_seed
from ..models.split import Split, cut_folds, split_rows
from ..tracking.places import Places
from ..tracking.record import Status
from ..tracking.store import check_reachable
from .delivery import Delivery
from .engine import Engine
from .evidence import Evidence
from .job import EpochDone, Job, JobDone, JobFailed, Message, TrainerDied, TrainerSetup, TrialJob
from .ledger import Ledger, StudyLedger, StudyRecord
from .lock import hold
from .result import Failure, entries, entry_name, read_failure, read_result, write_failure
from .space import Space
from .trainers import Trainers, load_tensorflow_in_advance
from .trial import State, Trial, best_trial

log = logging.getLogger(__name__)

MOST_DEATHS = 3
"""A training that kills its trainer so often without a new epoch has failed."""
MOST_FAILURES = 5
"""So many failed trials in a row stop a study."""
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
    """How a study ended: its trials, and how many of them wait in the outbox."""

    trials: list[Trial]
    waiting: int

    @property
    def best(self) -> Trial | None:
        return best_trial(self.trials)


def run_study(plan: Plan, watcher: Watcher) -> Summary:
    """Run a study to its end, or go on with it.

    Raises:
        FmsearchError: Something that the user can mend keeps it from running.
    """
    labels = load_training(plan.data.spec).labels
    if not plan.offline:
        check_reachable(plan.places)
    plan.places.prepare()
    with hold(plan.places.lock(plan.name), f"the study {plan.name!r}"):
        load_tensorflow_in_advance()
        split = split_rows(labels, plan.train_images)
        if plan.space.folds > len(split.train):
            raise FmsearchError(
                f"{plan.space.folds} folds are more than the {len(split.train)} training images"
            )
        ledger = Ledger(plan.places.storage).open_study(plan.record)
        return _Loop(plan, ledger, split, watcher).run()


class _Loop:
    def __init__(self, plan: Plan, ledger: StudyLedger, split: Split, watcher: Watcher) -> None:
        self._plan = plan
        self._ledger = ledger
        self._watcher = watcher
        self._outbox = plan.places.outbox(plan.name)
        self._recover()
        self._engine = _ENGINES[plan.space.engine](plan.space, ledger)
        self._delivery = Delivery(
            Evidence(ledger.record, plan.space, plan.data, split), ledger, plan.places
        )
        self._setup = TrainerSetup(
            plan.data.spec, len(plan.data.class_names), cut_folds(split.train, plan.space.folds)
        )
        self._running: dict[int, tuple[Trial, ...]] = {}
        self._deaths: Counter[tuple[int, ...]] = Counter()
        self._failures_in_a_row = 0

    def _recover(self) -> None:
        """Tell the ledger of results that were on disk when an earlier session ended."""
        for number, entry in entries(self._outbox).items():
            trial = self._ledger.trials()[number]
            if trial.state.finished:
                continue
            if trial.state is State.WAITING:
                self._ledger.claim(number)
            failure = read_failure(entry)
            if failure is None:
                self._ledger.tell(number, read_result(entry))
            else:
                self._ledger.fail(number, failure.error)

    def run(self) -> Summary:
        trials = self._ledger.trials()
        self._watcher.begun(trials, self._plan.jobs)
        status = Status.KILLED
        try:
            if not all(trial.state.finished for trial in trials):
                with Trainers(self._plan.jobs, self._setup) as trainers:
                    self._search(trainers)
            elif not self._plan.offline:
                self._delivery.begin(reopen=False)
            status = Status.FINISHED
        except FmsearchError:
            status = Status.FAILED
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
            seed=derive_seed(self._plan.seed, settings),
            entries={number: self._outbox / entry_name(number) for number in epochs},
        )

    def _hear(self, trainers: Trainers, trainer: int, job: Job | None, message: Message) -> None:
        trials = self._running.get(trainer, ())
        key = tuple(trial.number for trial in trials)
        if isinstance(message, EpochDone):
            self._deaths[key] = 0
            self._watcher.epoch(trainer, trials, message)
        elif isinstance(message, JobDone):
            for trial in self._running.pop(trainer):
                self._told(trial)
        elif isinstance(message, JobFailed):
            for trial in self._running.pop(trainer):
                self._failed(trial, job, message.error)
        elif isinstance(message, TrainerDied):
            self._deaths[key] += 1
            log.warning("a trainer died (exit code %s); it is replaced", message.exit_code)
            if self._deaths[key] < MOST_DEATHS:
                if job is not None:
                    trainers.give(trainer, job)
            elif not trials:
                raise FmsearchError(
                    f"trainers die at their start (exit code {message.exit_code}); "
                    "their own messages are above"
                )
            else:
                reason = f"its trainer died {MOST_DEATHS} times (exit code {message.exit_code})"
                for trial in self._running.pop(trainer):
                    self._failed(trial, job, reason)

    def _told(self, trial: Trial) -> None:
        result = read_result(self._outbox / entry_name(trial.number))
        self._engine.tell(trial, result)
        self._failures_in_a_row = 0
        self._after(trial)

    def _failed(self, trial: Trial, job: Job | None, error: str) -> None:
        settings = self._plan.space.settings(trial.parameters)
        seed = job.seed if job is not None else 0
        now = time.time_ns() // 1_000_000
        entry = self._outbox / entry_name(trial.number)
        write_failure(entry, Failure(settings, seed, error, now))
        self._engine.fail(trial, error)
        self._failures_in_a_row += 1
        self._after(trial)
        if self._failures_in_a_row == MOST_FAILURES:
            raise FmsearchError(f"{MOST_FAILURES} trials in a row failed, the last one: {error}")

    def _after(self, trial: Trial) -> None:
        self._delivery.trial(trial.number)
        trials = self._ledger.trials()
        self._watcher.told(trials[trial.number], best_trial(trials))


def _keras_tuner(space: Space, ledger: StudyLedger) -> Engine:
    # Keras Tuner loads TensorFlow: only for a grid, and by the module that does so in silence.
    from ..models import backend  # noqa: F401
    from .keras_tuner_grid import KerasTunerGrid

    return KerasTunerGrid(space, ledger)


_ENGINES = {"keras_tuner": _keras_tuner}
