"""Callbacks: how a study tells others how it goes on."""

from __future__ import annotations

from typing import Protocol

from ..trainers.messages import EpochDone
from ..trial import Trial


class StudyCallback(Protocol):
    """Hears how a study goes on, all in the coordinator's main thread.

    What it raises ends the study as Ctrl-C does: trials are given back, results are kept.
    """

    def on_start(self, trials: list[Trial], total: int | None, jobs: int) -> None:
        """The study's trials so far, how many there are to be in the end, and its trainers."""

    def on_epoch(self, trainer: int, trials: tuple[Trial, ...], done: EpochDone) -> None:
        """A trainer finished an epoch of a training that answers these trials."""

    def on_trial_end(self, trial: Trial, trials: list[Trial]) -> None:
        """A trial of this coordinator's is finished; the study's trials so far."""
