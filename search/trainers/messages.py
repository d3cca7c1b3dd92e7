"""Messages: what trainers and their coordinator say to each other during a job."""

from __future__ import annotations

import errno
from dataclasses import dataclass


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
class JobPaused:
    """A trainer stopped a job because of the verdict on it; its checkpoint is on disk.

    Attributes:
        step: The epoch or, cross-validated, the fold that it has finished.
    """

    step: int


@dataclass(frozen=True)
class JobFailed:
    """A job cannot be done: its settings raised an error, or its trainers died.

    Attributes:
        died: Whether they died, for which the machine may be the reason.
    """

    error: str
    died: bool = False


JobEnd = JobDone | JobPaused | JobFailed
Message = EpochDone | JobEnd
"""What a pool tells of a job; after the first one that is no `EpochDone`, nothing more."""


OUT_OF_MEMORY = errno.ENOMEM
"""Exit code of a trainer that got no more memory."""
NO_TEMPORARY_FILES = errno.ENOENT
"""Exit code of a trainer whose folder of temporary files was removed, without which TensorFlow can
compile nothing."""
