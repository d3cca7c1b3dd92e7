"""Trouble: when a training has failed, and when a study must stop."""

from __future__ import annotations

from collections import Counter, defaultdict

from ...errors import FmsearchError
from ..trial import Trial

MOST_DEATHS = 3
"""A training that kills its trainer so often without a new epoch has failed."""
MOST_FAILURES = 5
"""So many failed trainings in a row stop a study."""

Place = tuple[int, int]
"""How far a training is: fold and epoch."""


class Failures:
    """Counts the deaths of trainers, by what they trained, and failures in a row."""

    def __init__(self) -> None:
        self._furthest: defaultdict[tuple[int, ...], Place] = defaultdict(lambda: (0, 0))
        self._deaths: Counter[tuple[int, ...]] = Counter()
        self._failures = 0

    def advanced(self, trials: tuple[Trial, ...], place: Place) -> None:
        """A training finished an epoch; only one that it never reached before is progress."""
        key = _key(trials)
        if place > self._furthest[key]:
            self._furthest[key] = place
            self._deaths[key] = 0

    def died(self, trials: tuple[Trial, ...]) -> bool:
        """A trainer died over these trials, or over none; whether that was once too often."""
        self._deaths[_key(trials)] += 1
        return self._deaths[_key(trials)] >= MOST_DEATHS

    def finished(self, error: str) -> None:
        """A training ended, with an error or without.

        Raises:
            FmsearchError: Too many in a row had one.
        """
        self._failures = self._failures + 1 if error else 0
        if self._failures >= MOST_FAILURES:
            raise FmsearchError(f"{MOST_FAILURES} trainings in a row failed, the last one: {error}")


def _key(trials: tuple[Trial, ...]) -> tuple[int, ...]:
    return tuple(trial.number for trial in trials)
