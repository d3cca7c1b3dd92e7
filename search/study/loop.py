"""The study loop: ask for trials, hand them to trainers, tell what came out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ...models.settings import Scoring
from ...models.split import Split
from ...tracking.run_record import Status
from ..engines.make import make_engine
from ..outbox import DamagedError, entry_name, keep_apart, write_note
from ..processes.signals import Interruption
from ..result import Duplicate, Failure
from ..runs.importances import note_importances
from ..runs.records import RunRecords
from ..runs.shipping import Shipping
from ..storage.stored_study import StoredStudy
from ..trainers.jobs import TrainerSetup
from ..trainers.messages import EpochDone, JobEnd, JobFailed, JobPaused, Message
from ..trainers.pool import TrainerPool
from ..trial import State, Trial, best_trial
from .callback import StudyCallback
from .duplicates import Duplicates
from .failures import Failures
from .plan import Plan
from .resume import recover, settle
from .trial_job import seed_of, trial_job

Pool = Callable[[int, TrainerSetup], TrainerPool]
"""Makes a pool: the number of its trainers, and their setup."""


@dataclass(frozen=True)
class Summary:
    """How a study ended: its trials, and how many wait in the outbox (None: nothing waits)."""

    trials: list[Trial]
    waiting: int | None

    @property
    def best(self) -> Trial | None:
        return best_trial(self.trials)


class StudyLoop:
    """One coordinator's session of a study."""

    def __init__(
        self,
        plan: Plan,
        stored: StoredStudy,
        *,
        split: Split,
        setup: TrainerSetup,
        callback: StudyCallback,
        interruption: Interruption,
        pool: Pool,
    ) -> None:
        self._plan = plan
        self._pool = pool
        self._interruption = interruption
        self._stored = stored
        self._callback = callback
        self._setup = setup
        self._outbox = plan.places.outbox(stored.config.label)
        run_records = RunRecords(stored.config, plan.data, split)
        self._shipping = Shipping(run_records, stored, plan.places, plan.keep_models)
        self._limits = replace(plan.limits, images=len(split.validation))
        self._engine = make_engine(plan.space, stored, plan.strategy, plan.seed)
        self._begun_at = time.monotonic()  # again when the first trial can begin
        self._running: dict[int, tuple[Trial, ...]] = {}
        self._ended: list[tuple[Trial, str]] = []
        self._duplicates = Duplicates()
        self._failures = Failures()

    def run(self) -> Summary:
        """Run the session: to the study's end, or as far as it may go."""
        recover(self._stored, self._outbox)
        if not self._plan.offline:
            self._shipping.prepare()  # while TensorFlow is loaded elsewhere
        self._engine.begin()
        trials = self._stored.trials()
        total = self._limits.trials
        if total is None and self._plan.space.traits.tries_every_point:
            total = len(trials)
        left = (total or len(trials) + self._plan.jobs) - sum(one.state.finished for one in trials)
        # Trials that others run count as left: their coordinator may be dead, or die.
        unfinished = left > 0 and not self._is_over(trials)
        jobs = min(self._plan.jobs, left) if unfinished else 0
        self._callback.on_start(trials, total, jobs)
        status = Status.FAILED
        try:
            if unfinished:
                with self._pool(jobs, self._setup) as trainers:
                    self._search(trainers)
                note_importances(self._stored)
            elif not self._plan.offline:
                self._shipping.begin(reopen=False)
            status = Status.FINISHED
        except KeyboardInterrupt:
            status = Status.KILLED
            raise
        finally:
            running = [trial for trials in self._running.values() for trial in trials]
            for trial in [*running, *(one for one, _ in self._ended), *self._duplicates]:
                self._engine.release(trial)
            waiting = self._shipping.end(status, self._interruption.check)
        return Summary(self._stored.trials(), waiting)

    def _search(self, trainers: TrainerPool) -> None:
        self._begun_at = time.monotonic()
        self._hand_out(trainers)
        if not self._plan.offline:
            self._shipping.begin()
        while self._running or self._others_may_die():
            for trainer, message in trainers.messages():
                self._hear(trainers, trainer, message)
                self._interruption.check()
            self._interruption.check()
            self._stored.ownership.write_heartbeats()
            if self._stored.ownership.should_look():
                self._stored.take_back()
            for of in self._duplicates.originals:
                self._settle_duplicates(of)
            self._hand_out(trainers)
            if self._ended and not self._running:  # no other training will show who is at fault
                self._failures.check_last()
                self._settle_ended()
                self._hand_out(trainers)

    def _others_may_die(self) -> bool:
        """Whether others run or have paused trials that would have to be taken up."""
        trials = self._stored.trials()
        if not any(trial.state in (State.RUNNING, State.PAUSED) for trial in trials):
            return False
        return not self._is_over(trials)

    def _is_over(self, trials: Sequence[Trial]) -> bool:
        """Whether no trial may be begun or go on; those that are paused may have to end."""
        if any(trial.state is State.PAUSED for trial in trials):
            return self._limits.time_is_up(self._begun_at)
        return self._limits.are_final(trials, self._begun_at)

    def _hand_out(self, trainers: TrainerPool) -> None:
        for trainer in trainers.idle():
            trials = self._next()
            if not trials:
                return
            self._running[trainer] = trials
            trainers.give(trainer, trial_job(self._plan, self._outbox, trials))

    def _next(self) -> tuple[Trial, ...]:
        """Trials to be trained; those that repeat others are settled on the way."""
        while True:
            with self._stored.ownership.alone():  # so that no two begin the last trial
                known, limits = self._stored.trials(), self._limits
                if limits.time_is_up(self._begun_at):
                    return ()
                trials = self._engine.ask(
                    begin=not limits.reached(known, self._begun_at),
                    promote=not limits.are_final(known, self._begun_at),
                )
            if not trials or trials[0].duplicate_of is None:
                return trials
            (trial,) = trials
            self._duplicates.add(trial)
            self._settle_duplicates(trials[0].duplicate_of)

    def _settle_duplicates(self, of: int) -> None:
        """Repeat a trial's result in its duplicates, once it has one."""
        if of not in self._duplicates.originals or not self._stored.trial(of).state.finished:
            return
        for trial in self._duplicates.take(of):
            entry = self._outbox / entry_name(trial.number)
            settings = self._plan.space.settings(trial.parameters)
            now = time.time_ns() // 1_000_000
            write_note(entry, Duplicate(of, settings, seed_of(self._plan, trial), now))
            if settle(self._engine, trial, entry, self._stored.trial):
                self._announce(trial)

    def _hear(self, trainers: TrainerPool, trainer: int, message: Message) -> None:
        if isinstance(message, EpochDone):
            self._callback.on_epoch(trainer, self._running[trainer], message)
            if message.scores:
                self._judge(trainers, trainer, message)
        else:
            self._end(trainers, trainer, message)

    def _judge(self, trainers: TrainerPool, trainer: int, done: EpochDone) -> None:
        """Report scores to the engine and, where the trainer waits for it, its verdict."""
        step = done.epoch if self._plan.space.scoring is Scoring.VALIDATION else done.fold
        last = (done.fold, done.epoch) == (done.folds, done.epochs)  # too late to save anything
        report = self._engine.report
        trials = self._running[trainer]
        verdicts = [report(trial, step, done.scores, last=last) for trial in trials]
        if self._setup.judged:
            trainers.judge(trainer, verdicts[0])

    def _end(self, trainers: TrainerPool, trainer: int, end: JobEnd) -> None:
        """Pause a training's trials, or settle them, unless its trainers died: then another one
        comes first.

        Raises:
            FmsearchError: Too many trainings in a row had an error.
        """
        error = self._failures.count(end)
        trials = self._running.pop(trainer)
        if isinstance(end, JobPaused):
            self._pause(trials, end)
        else:
            self._ended.extend((trial, error) for trial in trials)
        if self._engine.asks_ahead:
            self._hand_out(trainers)
        if not self._failures.deaths:
            self._settle_ended()
        self._failures.check()

    def _pause(self, trials: Sequence[Trial], paused: JobPaused) -> None:
        for trial in trials:
            if self._stored.pauses.pause(trial.number, paused.step):
                told = self._stored.trials()
                self._callback.on_trial_pause(told[trial.number], told)

    def _settle_ended(self) -> None:
        """Tell or fail the trials that have ended, each as its folder in the outbox says."""
        while self._ended:  # which a trial leaves once the storage has it: none is lost between
            trial, error = self._ended[0]
            entry = self._outbox / entry_name(trial.number)
            if not entry.exists():
                settings = self._plan.space.settings(trial.parameters)
                now = time.time_ns() // 1_000_000
                write_note(entry, Failure(settings, seed_of(self._plan, trial), error, now))
            try:
                counts = settle(self._engine, trial, entry, self._stored.trial)
            except DamagedError as damaged:
                keep_apart(entry, damaged.what)
                self._engine.release(trial)
                self._failures.count(JobFailed(str(damaged)))
                counts = False
            del self._ended[0]
            if counts:
                self._announce(trial)
            self._settle_duplicates(trial.number)

    def _announce(self, trial: Trial) -> None:
        self._shipping.trial(trial.number)
        told = self._stored.trials()
        self._callback.on_trial_end(told[trial.number], told)
