"""Callbacks of a study's progress."""

from __future__ import annotations

from typing import Protocol

from ..trainers.messages import EpochDone
from ..trial import Trial


class StudyCallback(Protocol):
    """Called while a study runs, by the thread that runs it.

    What it raises ends the study as Ctrl-C does: trials are given back, results are kept.
    """

    def on_start(self, trials: list[Trial], total: int | None, jobs: int) -> None:
        """The session begins: trials so far, trials in the end if known, number of trainers."""

    def on_epoch(self, trainer: int, trials: tuple[Trial, ...], done: EpochDone) -> None:
        """A trainer finished an epoch of the training of these trials."""

    def on_trial_pause(self, trial: Trial, trials: list[Trial]) -> None:
        """This coordinator paused a trial, which may go on later; `trials` as below."""

    def on_trial_end(self, trial: Trial, trials: list[Trial]) -> None:
        """This coordinator finished a trial; `trials` are all trials of the study so far."""
