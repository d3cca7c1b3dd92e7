"""Halving: trials are paused at rungs, and the best of each rung go on.

The rule is that of asynchronous successive halving (Li et al. 2020, arXiv 1810.05934): whoever is
idle lets the best paused trial go on that stands among the best third of its rung, else begins a
new one. So a trial that looks bad early has a second chance when others turn out worse. Hyperband
(Li et al. 2018, arXiv 1603.06560) divides the trials into brackets, the first rung of which comes
later and later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from ...models.settings import Scoring

if TYPE_CHECKING:
    from ..space.space import Space

LEAST_EPOCHS = 3
"""The first rung of a study that counts epochs."""
THIRD, HALF = 3, 2


@dataclass(frozen=True)
class Standing:
    """How far a trial is.

    Attributes:
        scores: By step, so far.
        paused_at: The step after which it is paused; 0 if it is not.
    """

    number: int
    scores: Mapping[int, float]
    paused_at: int = 0


@dataclass(frozen=True)
class Halving:
    """The rungs of a study.

    Attributes:
        rungs: Steps after which trials are paused, from the first to the last.
        factor: One of so many trials of a rung goes on.
        by_best: Whether a trial stands by its best score up to the rung, as trials that are scored
            after their best epoch; else by its last one, as means over folds.
        brackets: How many sets of rungs there are: the first has all, the next one all but the
            first, and so on.
    """

    rungs: tuple[int, ...]
    factor: int
    by_best: bool
    brackets: int = 1

    def pauses(self, number: int, step: int) -> bool:
        """Whether a trial is paused after a step."""
        return step in self._rungs_of(number)

    def promoted(self, trials: Iterable[Standing], open_to: set[int], *, last: bool) -> int | None:
        """The number of the paused trial that is to go on; None if none is.

        Args:
            trials: All that have reported scores.
            open_to: Numbers of the paused trials among which to choose.
            last: Whether no more trials are begun: the best of a rung goes on, however few it has.
        """
        brackets: dict[int, list[Standing]] = {}
        for trial in trials:
            brackets.setdefault(self._bracket(trial.number), []).append(trial)
        for rung in reversed(self.rungs):
            for bracket in sorted(brackets):
                best = self._best(brackets[bracket], rung, last=last)
                for trial in best:
                    if trial.paused_at == rung and trial.number in open_to:
                        return trial.number
        return None

    def worst(self, paused: Sequence[Standing]) -> int:
        """The number of the paused trial that is furthest from going on."""

        def key(one: Standing) -> tuple[int, float, int]:
            return one.paused_at, self._score(one, one.paused_at), -one.number

        return min(paused, key=key).number

    def place(self, trials: Iterable[Standing], number: int) -> tuple[int, int]:
        """The place of a paused trial at its rung, from 1, and the number of trials there."""
        same = [one for one in trials if self._bracket(one.number) == self._bracket(number)]
        rung = next(one.paused_at for one in same if one.number == number)
        order = [one.number for one in self._ranked(same, rung)]
        return order.index(number) + 1, len(order)

    def _best(self, trials: Sequence[Standing], rung: int, *, last: bool) -> list[Standing]:
        ranked = self._ranked(trials, rung)
        return ranked[: max(len(ranked) // self.factor, int(last))]

    def _ranked(self, trials: Iterable[Standing], rung: int) -> list[Standing]:
        """The trials that have reached a rung, the best first; of equals the one begun earlier."""
        there = [one for one in trials if max(one.scores, default=0) >= rung]
        return sorted(there, key=lambda one: (-self._score(one, rung), one.number))

    def _score(self, trial: Standing, rung: int) -> float:
        until = {step: score for step, score in trial.scores.items() if step <= rung}
        return max(until.values()) if self.by_best else until[max(until)]

    def _rungs_of(self, number: int) -> tuple[int, ...]:
        return self.rungs[self._bracket(number) :]

    def _bracket(self, number: int) -> int:
        return self._pattern[number % len(self._pattern)]

    @cached_property
    def _pattern(self) -> tuple[int, ...]:
        """The brackets of successive trials, each as often as Hyperband gives it trials, mixed."""
        top = self.brackets - 1
        counts = [-(-(top + 1) * self.factor**left // (left + 1)) for left in range(top, -1, -1)]
        places = [
            ((index + 0.5) / count, bracket)
            for bracket, count in enumerate(counts)
            for index in range(count)
        ]
        return tuple(bracket for _, bracket in sorted(places))


def _asha(space: Space) -> Halving:
    if space.scoring is Scoring.CROSS_VALIDATION:
        return Halving(tuple(range(1, space.steps)), HALF, by_best=False)
    rungs = []
    rung = LEAST_EPOCHS
    while rung < space.steps:
        rungs.append(rung)
        rung *= THIRD
    return Halving(tuple(rungs), THIRD, by_best=True)


def _hyperband(space: Space) -> Halving:
    plain = _asha(space)
    return replace(plain, brackets=len(plain.rungs) + 1)


HALVINGS: dict[str, Callable[[Space], Halving]] = {"asha": _asha, "hyperband": _hyperband}
"""The pruners that pause trials."""
