"""The pool of trainer processes, as their coordinator sees it."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from ...errors import FmsearchError
from ..processes.fork_server import receive, start_process
from ..trial import Verdict
from .jobs import CheckJob, Job, LoadJob, MetricJob, TrainerSetup
from .messages import NO_TEMPORARY_FILES, OUT_OF_MEMORY, EpochDone, JobFailed, Message

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess

log = logging.getLogger(__name__)

STOP_SECONDS = 3.0
LISTEN_SECONDS = 0.5
MOST_DEATHS = 3
"""A job over which so many trainers die without a new epoch has failed."""

AnyJob = TypeVar("AnyJob", bound=Job)


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


@dataclass
class _Trainer:
    """A process and its job.

    Attributes:
        furthest: The last fold and epoch that the job has reached.
        deaths: How many processes have died since then.
    """

    process: ForkServerProcess
    connection: Connection
    job: Job | None = None
    furthest: tuple[int, int] = (0, 0)
    deaths: int = 0

    def assign(self, job: Job | None) -> None:
        self.job, self.furthest, self.deaths = job, (0, 0), 0

    def send(self, message: Job | Verdict) -> None:
        with contextlib.suppress(OSError):  # it is dead, as the pool finds out when it listens
            self.connection.send(message)


class TrainerPool:
    """A fixed number of trainer processes, numbered from 0.

    One that dies is replaced, and the new one goes on with the job from its checkpoint. If
    `MOST_DEATHS` die without a new epoch, the job has failed.

    A context manager, which starts the trainers when it is entered; when it is left, it stops
    them, in the middle of a job if need be.
    """

    def __init__(self, count: int, setup: TrainerSetup) -> None:
        self._count = count
        self._setup = setup
        self._trainers: list[_Trainer] = []

    def __enter__(self) -> TrainerPool:
        self._trainers = [_Trainer(*self._start()) for _ in range(self._count)]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for trainer in self._trainers:
            trainer.connection.close()
            trainer.process.terminate()
        for trainer in self._trainers:
            trainer.process.join(STOP_SECONDS)
            trainer.process.kill()

    def idle(self) -> list[int]:
        """The trainers that have no job."""
        return [index for index, one in enumerate(self._trainers) if one.job is None]

    def give(self, index: int, job: Job) -> None:
        """Hand a job to an idle trainer."""
        self._trainers[index].assign(job)
        self._trainers[index].send(job)

    def judge(self, index: int, verdict: Verdict) -> None:
        """Answer a trainer that waits for a verdict."""
        self._trainers[index].send(verdict)

    def messages(self) -> Iterator[tuple[int, Message]]:
        """Listen for `LISTEN_SECONDS` at most; gives each message with its trainer.

        Raises:
            FmsearchError: Trainers cannot work on this machine: the disk is full, say, or they
                die without a job.
        """
        ready = wait([one.connection for one in self._trainers], LISTEN_SECONDS)
        for index, trainer in enumerate(self._trainers):
            if trainer.connection in ready and (message := self._hear(trainer)) is not None:
                yield index, message

    def run(
        self, jobs: Iterable[AnyJob], check_interrupted: Callable[[], None] = lambda: None
    ) -> Iterator[tuple[AnyJob, Message]]:
        """Do jobs, begun in their order; gives each message with its job.

        Args:
            jobs: What is to be done.
            check_interrupted: Called now and then; what it raises ends this.

        Raises:
            FmsearchError: As `messages`.
        """
        waiting = deque(jobs)
        running: dict[int, AnyJob] = {}
        while waiting or running:
            for index in self.idle()[: len(waiting)]:
                running[index] = waiting.popleft()
                self.give(index, running[index])
            check_interrupted()
            for index, message in self.messages():
                job = running[index] if isinstance(message, EpochDone) else running.pop(index)
                yield job, message
                check_interrupted()

    def _hear(self, trainer: _Trainer) -> Message | None:
        try:
            message: Message = receive(trainer.connection)
        except (EOFError, OSError):
            return self._replace(trainer)
        if not isinstance(message, EpochDone):
            trainer.assign(None)
        elif (place := (message.fold, message.epoch)) > trainer.furthest:
            trainer.furthest, trainer.deaths = place, 0
        return message

    def _replace(self, trainer: _Trainer) -> JobFailed | None:
        """Start a process in place of a dead one; gives how its job failed, if it has."""
        trainer.process.join(STOP_SECONDS)
        trainer.connection.close()
        death = _death(trainer.process.exitcode)
        trainer.process, trainer.connection = self._start()
        job = trainer.job
        if isinstance(job, CheckJob | LoadJob | MetricJob):  # the next process would die of it, too
            trainer.assign(None)
            return JobFailed(f"it ends its process ({death})")
        log.warning("a trainer died (%s); it is replaced", death)
        trainer.deaths += 1
        if trainer.deaths < MOST_DEATHS:
            if job is not None:
                trainer.send(job)
            return None
        if job is None:
            raise FmsearchError(
                f"trainers die at their start ({death}); their own messages are above. "
                "The same command goes on"
            )
        trainer.assign(None)
        error = f"its trainer died {MOST_DEATHS} times without a new epoch ({death})"
        return JobFailed(error, died=True)

    def _start(self) -> tuple[ForkServerProcess, Connection]:
        return start_process(_run, self._setup, logging.root.level)


def run_job(
    job: Job,
    setup: TrainerSetup,
    *,
    on_epoch: Callable[[EpochDone], None] = lambda done: None,
    check_interrupted: Callable[[], None] = lambda: None,
) -> str:
    """Do one job alone; as `run_jobs`."""
    return run_jobs([job], setup, on_epoch=on_epoch, check_interrupted=check_interrupted)


def run_jobs(
    jobs: Iterable[AnyJob],
    setup: TrainerSetup,
    *,
    on_job: Callable[[AnyJob], None] = lambda job: None,
    on_epoch: Callable[[EpochDone], None] = lambda done: None,
    check_interrupted: Callable[[], None] = lambda: None,
) -> str:
    """Do jobs one after another, until one fails; gives the reason, empty if all are done.

    Args:
        jobs, setup: Of the one trainer.
        on_job: Called before each job.
        on_epoch: Hears each finished epoch.
        check_interrupted: Called now and then; what it raises ends the jobs.

    Raises:
        FmsearchError: As `TrainerPool.messages`.
    """
    with TrainerPool(1, setup) as pool:
        for job in jobs:
            on_job(job)
            for _, message in pool.run([job], check_interrupted):
                if isinstance(message, EpochDone):
                    on_epoch(message)
                elif isinstance(message, JobFailed):
                    return message.error
    return ""


def _death(exit_code: int | None) -> str:
    """How a process ended."""
    reasons = {
        OUT_OF_MEMORY: ": out of memory",
        NO_TEMPORARY_FILES: ": somebody has removed its temporary files",
        -signal.SIGKILL: ": killed, as the system does when memory runs out",
    }
    return f"exit code {exit_code}{reasons.get(exit_code or 0, '')}"


def _run(ours: Connection, setup: TrainerSetup, level: int) -> None:
    logging.basicConfig(format="%(levelname)s %(name)s[%(process)d]: %(message)s")
    logging.getLogger("fmsearch").setLevel(level)  # as the coordinator's, without other programs'
    from .trainer import run_trainer  # loads TensorFlow: in trainers only

    run_trainer(ours, setup)
