"""Messages: what trainers and their coordinator say to each other during a job."""

from __future__ import annotations

import errno
import signal
from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """Why a training is to be pruned after the score that it just reported; empty to go on."""

    prune: str


@dataclass(frozen=True)
class EpochDone:
    """A trainer finished an epoch.

    Attributes:
        fold, folds, epoch, epochs: Where it is, counted from 1.
        accuracy: On validation images, where there are any.
        scores: As in `Report`.
    """

    fold: int
    folds: int
    epoch: int
    epochs: int
    accuracy: float | None
    scores: tuple[float, ...] = ()


@dataclass(frozen=True)
class JobDone:
    """A trainer finished its job; its results are on disk."""


@dataclass(frozen=True)
class JobFailed:
    """A job raised an error that belongs to its settings, not to the trainer."""

    error: str


@dataclass(frozen=True)
class DiskFull:
    """A trainer could not write; no other could."""

    error: str


OUT_OF_MEMORY = errno.ENOMEM
"""Exit code of a trainer that got no more memory."""


@dataclass(frozen=True)
class TrainerDied:
    """A trainer's process ended without being asked to; as text, how."""

    exit_code: int | None

    def __str__(self) -> str:
        reasons = {
            OUT_OF_MEMORY: ": out of memory",
            -signal.SIGKILL: ": killed, as the system does when memory runs out",
        }
        return f"exit code {self.exit_code}{reasons.get(self.exit_code or 0, '')}"


Message = EpochDone | JobDone | JobFailed | DiskFull | TrainerDied
