"""The engine of a grid: Keras Tuner enumerates its points, and the storage is the record."""

from __future__ import annotations

from ..result import Result
from ..space.space import Space
from ..storage.stored_study import StoredStudy
from ..trial import State, Trial, Verdict
from .grid_process import enumerate_apart


class GridEngine:
    """Tries every point of a grid once."""

    asks_ahead = True

    def __init__(self, space: Space, stored: StoredStudy, *_: object) -> None:
        """Of a space and its study; a grid has no strategy, and its order depends on no seed."""
        self._space = space
        self._stored = stored
        self._taken_back = 0
        self._waiting: dict[int, Trial] = {}

    def begin(self) -> None:
        if len(self._stored.trials()) < self._space.size:
            choices = self._space.choices
            self._stored.enqueue(enumerate_apart(choices), choices)

    def ask(self, *, begin: bool = True, promote: bool = True) -> tuple[Trial, ...]:  # noqa: ARG002
        if not begin:
            return ()
        if not self._waiting or self._taken_back != self._stored.taken_back:
            self._read()  # what others gave back, or left
        while self._waiting:
            training = self._space.training
            shared = training(next(iter(self._waiting.values())).parameters)
            alike = [one for one in self._waiting.values() if training(one.parameters) == shared]
            for trial in alike:
                del self._waiting[trial.number]
            if taken := tuple(trial for trial in alike if self._stored.take(trial.number)):
                return taken
        return ()

    def _read(self) -> None:
        """Take note of what waits, also of what other coordinators gave back."""
        self._taken_back = self._stored.taken_back
        waiting = [one for one in self._stored.trials() if one.state is State.WAITING]
        self._waiting = {trial.number: trial for trial in waiting}

    def report(self, trial: Trial, step: int, scores: tuple[float, ...], *, last: bool) -> Verdict:  # noqa: ARG002
        return Verdict()  # every point of a grid is tried to its end

    def tell(self, trial: Trial, result: Result) -> bool:
        return self._stored.tell(trial, result)

    def repeat(self, trial: Trial, earlier: Trial) -> bool:
        return self._stored.repeat(trial, earlier)

    def fail(self, trial: Trial, reason: str) -> bool:
        return self._stored.fail(trial, reason)

    def release(self, trial: Trial) -> None:
        self._stored.release(trial.number)
