"""The progress of studies and trainings: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from ..search.result import Result
from ..search.runs.tables import shown
from ..search.trainers.jobs import FinalJob
from ..search.trainers.messages import EpochDone
from ..search.trial import State, Trial, best_trial
from .terminal import make_console, visible


class StudyProgress:
    """A `StudyCallback` that shows a study on a console of `make_console`; a context manager."""

    def __init__(self, console: Console, study: str) -> None:
        self._console = console
        self._study = study
        self._live = _bars(console)
        self._overall = self._live.add_task(study, total=None, note="loading TensorFlow")
        self._trainers: list[TaskID] = []
        self._total: int | None = None
        self._finished = self._finished_before = 0
        self._step = "epoch"
        self._clock: Callable[[], float] = time.monotonic
        self._start = self._clock()

    def __enter__(self) -> StudyProgress:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for task in self._trainers:
            self._live.remove_task(task)
        self._live.stop()

    def on_start(self, trials: list[Trial], total: int | None, jobs: int) -> None:
        self._total = total
        self._finished = self._finished_before = sum(trial.state.finished for trial in trials)
        resumed = f", {self._finished} of them finished before" if self._finished else ""
        trainers = f"{jobs} trainer{'s' * (jobs != 1)}"
        count = "as many trials as the limits allow"
        if total is not None:
            count = f"{total} trial{'s' * (total != 1)}"
        self._console.print(f"{self._study}: {count}{resumed}, {trainers}")
        self._start = self._clock()
        self._live.update(self._overall, total=self._total, completed=self._finished, note="")
        self._trainers = [
            self._live.add_task(f"  trainer {index + 1}", total=None, note="starting")
            for index in range(jobs)
        ]

    def on_epoch(self, trainer: int, trials: tuple[Trial, ...], done: EpochDone) -> None:
        self._step = "fold" if done.folds > 1 else "epoch"
        numbers = ", ".join(str(trial.number) for trial in trials)
        accuracy = "" if done.accuracy is None else f"accuracy {done.accuracy:.4f}"
        self._live.update(
            self._trainers[trainer],
            description=f"  trainer {trainer + 1}: trial {numbers}",
            completed=(done.fold - 1) * done.epochs + done.epoch,
            total=done.folds * done.epochs,
            note=f"fold {done.fold}/{done.folds} epoch {done.epoch}/{done.epochs} {accuracy}",
        )

    def on_trial_pause(self, trial: Trial, trials: list[Trial]) -> None:
        paused = sum(one.state is State.PAUSED for one in trials)
        step = f"{self._step} {trial.paused_at}"
        self._console.print(
            f"[{self._place()}] trial {trial.number}: paused after {step}; {paused} paused in all"
        )

    def on_trial_end(self, trial: Trial, trials: list[Trial]) -> None:
        self._finished = sum(one.state.finished for one in trials)  # those of other workers, too
        best = best_trial(trials)
        highest = f"best {best.score:.4f} (trial {best.number})" if best else "none complete yet"
        note = f"{highest}{self._time_left()}"
        self._live.update(self._overall, completed=self._finished, note=note)
        if trial.state is State.COMPLETE:
            outcome = f"score {trial.score:.4f}"
        else:
            outcome = f"{trial.state.value}: {trial.reason}"
        if trial.duplicate_of is not None:
            outcome += f" (as trial {trial.duplicate_of})"
        values = " ".join(f"{name}={shown(value)}" for name, value in trial.parameters.items())
        self._console.print(
            visible(f"[{self._place()}] trial {trial.number}: {outcome}  {values}  | {note}"),
            soft_wrap=True,
        )

    def _place(self) -> str:
        if self._total is None:
            return str(self._finished)
        return f"{self._finished:>{len(str(self._total))}}/{self._total}"

    def _time_left(self) -> str:
        if self._total is None:
            return ""
        now = self._finished - self._finished_before
        return _left((self._clock() - self._start) * (self._total - self._finished) / now)


class ModelsProgress:
    """Shows the training of final models on such a console; a context manager."""

    def __init__(self, console: Console, jobs: Sequence[FinalJob], trained: int) -> None:
        """Print how many models are to be trained, and that `trained` others are ready."""
        before = f", {trained} trained before" if trained else ""
        console.print(f"final models: {len(jobs)} to train{before}")
        self._console = console
        self._live = _bars(console)
        self._models, self._epochs = len(jobs), sum(job.epochs for job in jobs)
        self._trained = self._epochs_done = 0
        self._overall = self._live.add_task("final models", total=self._epochs, note="")
        self._tasks: dict[str, TaskID] = {}
        self._start = time.monotonic()

    def __enter__(self) -> ModelsProgress:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.stop()

    def on_epoch(self, job: FinalJob, done: EpochDone) -> None:
        name = job.folder.name
        if name not in self._tasks:
            self._tasks[name] = self._live.add_task(f"  {name}", total=done.epochs, note="")
        note = "" if done.accuracy is None else f"accuracy {done.accuracy:.4f}"
        self._live.update(self._tasks[name], completed=done.epoch, note=note)
        self._epochs_done += 1
        self._live.update(self._overall, completed=self._epochs_done, note=self._time_left())

    def trained(self, job: FinalJob, result: Result) -> None:
        self._trained += 1
        if (task := self._tasks.pop(job.folder.name, None)) is not None:
            self._live.remove_task(task)
        accuracy, loss = result.metrics["test_accuracy"], result.metrics["test_loss"]
        place = f"[{self._trained:>{len(str(self._models))}}/{self._models}]"
        self._console.print(
            f"{place} {job.folder.name}: test accuracy {accuracy:.4f}, loss {loss:.4f}"
            f"{self._time_left()}",
            soft_wrap=True,
        )

    def _time_left(self) -> str:
        if not self._epochs_done or self._trained == self._models:
            return ""
        spent = time.monotonic() - self._start
        return _left(spent * (self._epochs - self._epochs_done) / self._epochs_done)


@contextmanager
def counting(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show on a terminal how many of some things are done; gives what is told of more of them.

    It is shown where errors are, and is gone in the end: results may go elsewhere.
    """
    with _bars(make_console(is_for_errors=True), is_gone=True) as live:
        task = live.add_task(what, total=total, note="")
        yield lambda more: live.advance(task, more)


def _bars(console: Console, *, is_gone: bool = False) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=is_gone,
    )


def _left(seconds: float) -> str:
    return f", {seconds / 60:.0f} min left" if seconds >= 120 else f", {seconds:.0f} s left"
