"""Duplicates: trials whose parameters an earlier trial has, until that one has a result."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ..trial import Trial


class Duplicates:
    """The duplicates of one coordinator that still wait for their originals' results."""

    def __init__(self) -> None:
        self._of: defaultdict[int, list[Trial]] = defaultdict(list)

    def __iter__(self) -> Iterator[Trial]:
        return (trial for trials in self._of.values() for trial in trials)

    def add(self, trial: Trial) -> None:
        """Let a duplicate wait for its original, `trial.duplicate_of`."""
        if trial.duplicate_of is None:
            raise ValueError(f"trial {trial.number} is no duplicate")
        self._of[trial.duplicate_of].append(trial)

    @property
    def originals(self) -> list[int]:
        """Numbers of the trials whose results are waited for."""
        return list(self._of)

    def take(self, original: int) -> list[Trial]:
        """The duplicates of a trial, which wait no longer."""
        return self._of.pop(original, [])
