"""The pool of trainer processes, as their coordinator sees it."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import connection
from types import TracebackType
from typing import TYPE_CHECKING

from ...errors import FmsearchError
from .jobs import Job, TrainerSetup
from .messages import DiskFull, EpochDone, JobDone, JobFailed, Message, TrainerDied, Verdict

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess
    from multiprocessing.process import BaseProcess

STOP_SECONDS = 3.0
LISTEN_SECONDS = 0.5
MOST_STARTS = 4
START_PAUSE = 0.5
"""Seconds: a process that is killed is still there for a moment, and takes no orders."""


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


@dataclass
class _Trainer:
    process: ForkServerProcess
    connection: connection.Connection
    job: Job | None = None


class Trainers:
    """A fixed number of trainer processes; one that dies is replaced.

    A context manager: on leaving, the trainers are stopped, in the middle of a job if need be.
    """

    def __init__(self, count: int, setup: TrainerSetup) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._setup = setup
        self._trainers = [self._start() for _ in range(count)]

    def __enter__(self) -> Trainers:
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

    def pids(self) -> list[int]:
        """Process numbers of the trainers."""
        return [one.process.pid or 0 for one in self._trainers]

    def idle(self) -> list[int]:
        """Indices of the trainers that have no job."""
        return [index for index, one in enumerate(self._trainers) if one.job is None]

    def give(self, index: int, job: Job) -> None:
        """Hand a job to an idle trainer. If it is already dead, `messages` will say so."""
        trainer = self._trainers[index]
        trainer.job = job
        with contextlib.suppress(OSError):
            trainer.connection.send(job)

    def judge(self, index: int, verdict: Verdict) -> None:
        """Answer a trainer that waits for a verdict."""
        with contextlib.suppress(OSError):
            self._trainers[index].connection.send(verdict)

    def messages(self) -> Iterator[tuple[int, Job | None, Message]]:
        """What trainers said within `LISTEN_SECONDS`: trainer, its job, message."""
        waiting = {one.connection: index for index, one in enumerate(self._trainers)}
        for ready in connection.wait(list(waiting), LISTEN_SECONDS):
            index = waiting[ready]  # type: ignore[index]  # wait() gives back what it was given
            trainer = self._trainers[index]
            job = trainer.job
            try:
                message: Message = trainer.connection.recv()
            except (EOFError, OSError):
                message = self._replace(index)
            if isinstance(message, DiskFull):
                raise FmsearchError(message.error)
            if isinstance(message, (JobDone, JobFailed)):
                trainer.job = None
            yield index, job, message

    def _start(self) -> _Trainer:
        """A new trainer; Python starts another fork server where that one died.

        Raises:
            FmsearchError: It died again and again.
        """
        for _ in range(MOST_STARTS):
            with contextlib.suppress(EOFError, ConnectionError):  # it died while it was asked
                return self._fork()
            time.sleep(START_PAUSE)
        raise FmsearchError(
            f"the process that trainers are forked from died {MOST_STARTS} times at its start; "
            "its own messages are above"
        )

    def _fork(self) -> _Trainer:
        ours, theirs = self._context.Pipe()
        arguments = (theirs, self._setup, logging.root.level)
        process = self._context.Process(target=_run, args=arguments, daemon=True)
        process.start()
        theirs.close()
        return _Trainer(process, ours)

    def _replace(self, index: int) -> TrainerDied:
        dead = self._trainers[index]
        dead.process.join(STOP_SECONDS)
        dead.connection.close()
        self._trainers[index] = self._start()
        return TrainerDied(dead.process.exitcode)


def run_alone(
    job: Job,
    setup: TrainerSetup,
    *,
    on_epoch: Callable[[EpochDone], None] = lambda done: None,
    check: Callable[[], None] = lambda: None,
) -> JobDone | JobFailed | DiskFull | TrainerDied:
    """Have one job done, by a trainer of its own.

    Args:
        job, setup: What is to be done.
        on_epoch: Hears each finished epoch.
        heed: Called now and then; what it raises ends the job.

    Returns:
        The trainer's last message.
    """
    with Trainers(1, setup) as trainers:
        trainers.give(0, job)
        while True:
            check()
            for _, _, message in trainers.messages():
                if not isinstance(message, EpochDone):
                    return message
                on_epoch(message)


def _run(ours: connection.Connection, setup: TrainerSetup, level: int) -> None:
    end_with_the_coordinator()
    logging.basicConfig(format="%(levelname)s %(name)s[%(process)d]: %(message)s")
    logging.getLogger("fmsearch").setLevel(level)  # as the coordinator's, without other programs'
    from .trainer import run_trainer  # loads TensorFlow: in trainers only

    run_trainer(ours, setup)


def end_with_the_coordinator() -> None:
    """Let this process end with the coordinator, however that ends: the next one begins at once,
    and a trainer of an earlier session would write where its own trainers do."""

    def wait(coordinator: BaseProcess) -> None:
        coordinator.join()
        os._exit(1)

    if (parent := multiprocessing.parent_process()) is not None:
        threading.Thread(target=wait, args=(parent,), daemon=True).start()
