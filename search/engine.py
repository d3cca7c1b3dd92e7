"""Engines: who proposes trials."""

from __future__ import annotations

from typing import Protocol

from .result import Result
from .trial import Trial


class Recorder(Protocol):
    """Hears what became of running trials."""

    def tell(self, trial: Trial, result: Result) -> None:
        """Record a trial as complete."""

    def fail(self, trial: Trial, error: str) -> None:
        """Record a trial as failed, with the reason."""


class Engine(Recorder, Protocol):
    """Proposes the trials of one study and hears what became of them."""

    def ask(self) -> tuple[Trial, ...]:
        """Claim trials that one training answers; none if nothing is left to try."""

    def release(self, trial: Trial) -> None:
        """Give a claimed trial back, to be tried again under its number."""
