"""Watchers: who hears how a study goes on."""

from __future__ import annotations

from typing import Protocol

from ..trainers.messages import EpochDone
from ..trial import Trial


class StudyCallback(Protocol):
    """Hears how a study goes on."""

    def begun(self, trials: list[Trial], total: int | None, jobs: int) -> None:
        """The study's trials so far, how many there are to be in the end, and its trainers."""

    def epoch(self, trainer: int, trials: tuple[Trial, ...], done: EpochDone) -> None:
        """A trainer finished an epoch of a training that answers these trials."""

    def told(self, trial: Trial, trials: list[Trial]) -> None:
        """A trial of this coordinator's is finished; the study's trials so far."""
