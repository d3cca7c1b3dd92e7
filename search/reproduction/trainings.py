"""Training any number of final models by a pool of trainers."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence

from ...errors import FmsearchError
from ..trainers.failures import MOST_DEATHS, Failures
from ..trainers.jobs import FinalJob, TrainerSetup
from ..trainers.messages import EpochDone, JobDone, JobFailed, TrainerDied
from ..trainers.pool import Trainers
from ..trial import State, Trial

log = logging.getLogger(__name__)

OnEpoch = Callable[[FinalJob, EpochDone], None]
OnDone = Callable[[FinalJob], None]


def train_all(
    jobs: Sequence[FinalJob],
    setup: TrainerSetup,
    count: int,
    *,
    check: Callable[[], None],
    on_epoch: OnEpoch,
    on_done: OnDone,
) -> None:
    """Do jobs, in their order, until all results are on disk.

    Args:
        jobs: Trainings of one model family.
        count: Number of trainers.
        check: Called after each message and each wait; what it raises ends the trainers.
        on_epoch, on_done: Called after each epoch and each job.

    Raises:
        FmsearchError: A training failed, or its trainer died `MOST_DEATHS` times without progress.
    """
    waiting, failures = deque(enumerate(jobs)), Failures()
    running: dict[int, tuple[int, FinalJob]] = {}
    with Trainers(min(count, len(jobs)), setup) as trainers:
        while waiting or running:
            for index in trainers.idle():
                if waiting:
                    running[index] = waiting.popleft()
                    trainers.give(index, running[index][1])
            for index, _, message in trainers.messages():
                check()
                number, job = running.get(index, (-1, None))
                trials = (Trial(number, {}, State.RUNNING),)  # for `Failures`, a job is a trial
                if isinstance(message, TrainerDied):
                    log.warning("a trainer died (%s); it is replaced", message)
                    if failures.died(trials):
                        what = f"the training of {job.folder.name}" if job else "starting a trainer"
                        raise FmsearchError(
                            f"{what} ended its process {MOST_DEATHS} times without a new epoch "
                            f"({message})"
                        )
                    if job is not None:
                        trainers.give(index, job)
                elif job is None:
                    continue
                elif isinstance(message, EpochDone):
                    failures.advanced(trials, (message.fold, message.epoch))
                    on_epoch(job, message)
                elif isinstance(message, JobFailed):
                    raise FmsearchError(f"{job.folder.name} failed: {message.error}")
                elif isinstance(message, JobDone):
                    del running[index]
                    on_done(job)
            check()
