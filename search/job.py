"""Jobs and messages: what a coordinator and its trainers say to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..models.settings import Value
from ..models.split import Fold


@dataclass(frozen=True)
class TrainerSetup:
    """What a trainer needs once.

    Attributes:
        data: The data set's spec; for a trial only its training part is read.
        classes: Number of classes.
        folds: Rows of the training part.
    """

    data: str
    classes: int
    folds: tuple[Fold, ...]


@dataclass(frozen=True)
class TrialJob:
    """One training that answers one trial, or several that differ only in `epochs`.

    Attributes:
        epochs: Trial numbers and the epochs of each.
        family: Key of `FAMILIES`.
        settings: All settings but `epochs`.
        seed: Of the training.
        entries: The folder in the outbox for each trial's result.
    """

    epochs: Mapping[int, int]
    family: str
    settings: Mapping[str, Value]
    seed: int
    entries: Mapping[int, Path]


@dataclass(frozen=True)
class FinalJob:
    """Training on all training images, and the one look at the test images.

    Attributes:
        family, settings, seed: As in `TrialJob`.
        epochs: How long to train.
        folder: Where the result and the model go.
    """

    family: str
    settings: Mapping[str, Value]
    seed: int
    epochs: int
    folder: Path


Job = TrialJob | FinalJob


@dataclass(frozen=True)
class EpochDone:
    """A trainer finished an epoch; `accuracy` is on validation images, where there are any."""

    fold: int
    folds: int
    epoch: int
    epochs: int
    accuracy: float | None


@dataclass(frozen=True)
class JobDone:
    """A trainer finished its job; its results are on disk."""


@dataclass(frozen=True)
class JobFailed:
    """A job raised an error that belongs to its settings, not to the trainer."""

    error: str


@dataclass(frozen=True)
class TrainerDied:
    """A trainer's process ended without being asked to."""

    exit_code: int | None


Message = EpochDone | JobDone | JobFailed | TrainerDied
