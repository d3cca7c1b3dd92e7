"""Engines: who proposes the trials of a study.

To add one, write a class with the methods of `Engine`, and name it in `ENGINES` of
`space/engine_traits.py`, which is read without loading any engine.
"""

from __future__ import annotations

from typing import Protocol

from ..result import Result
from ..trial import Trial, Verdict


class TrialRecorder(Protocol):
    """Hears what became of running trials; its answers as in `StoredStudy`."""

    def tell(self, trial: Trial, result: Result) -> bool:
        """Record a trial as complete or pruned, as its result says."""

    def repeat(self, trial: Trial, earlier: Trial) -> bool:
        """Record a trial with the result of a finished one that has equal parameters."""

    def fail(self, trial: Trial, reason: str) -> bool:
        """Record a trial as failed, with the reason."""


class Engine(TrialRecorder, Protocol):
    """Proposes the trials of one study and hears what became of them.

    Attributes:
        asks_ahead: Whether what it proposes does not depend on what it hears, so that a trainer
            can have its next job before the last one is told.
    """

    asks_ahead: bool

    def begin(self) -> None:
        """Write the trials with which the study begins, where the storage does not have them yet.

        It is called once, before anything is asked; to make an engine changes nothing.
        """

    def ask(self, *, begin: bool = True, promote: bool = True) -> tuple[Trial, ...]:
        """Take trials that one training answers; none if there is nothing to try now.

        Args:
            begin: Whether new trials may be begun. If not, only a paused one can go on; where
                nothing runs that could let one go on, it is to be pruned for the trial's reason.
            promote: Whether paused trials may be trained further.
        """

    def report(self, trial: Trial, step: int, scores: tuple[float, ...], *, last: bool) -> Verdict:
        """Hear a running trial's scores, as in `Report`; gives what becomes of it.

        `step` counts epochs or, cross-validated, folds; after the last one the training just ends.
        That a trial is to be pruned is on record before it is said.
        """

    def release(self, trial: Trial) -> None:
        """Give a taken trial back, to be taken again under its number."""
