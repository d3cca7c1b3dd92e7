"""The engine of a grid: Keras Tuner hands out its points, and the storage is the record."""

from __future__ import annotations

from typing import Protocol

from ...models.settings import Value
from ..result import Result
from ..space.parameters import Choice
from ..space.space import Space
from ..storage.stored_study import StoredStudy
from ..trial import State, Trial


class Tuner(Protocol):
    """Keras Tuner's part, as in `GridTuner`."""

    def points(self) -> list[dict[str, Value]]: ...

    def score(self, number: int, score: float | None) -> None: ...

    def close(self) -> None: ...


class GridEngine:
    """Tries every point of a grid once; a resumed study tells the tuner what the storage has."""

    asks_ahead = True

    def __init__(self, space: Space, stored: StoredStudy, tuner: Tuner) -> None:
        """Write the points into the storage, if it does not have them.

        Args:
            space, storage: Of the study.
            tuner: Made of the `choices` of the space.
        """
        self._space = space
        self._stored = stored
        self._tuner = tuner
        stored.enqueue(tuner.points(), choices(space))
        self._waiting: dict[int, Trial] = {}
        self._read()

    def _read(self) -> None:
        """Take note of what the storage has, also from other coordinators."""
        self._taken_back = self._stored.taken_back
        self._waiting.clear()
        for trial in self._stored.trials():
            if trial.state is State.WAITING:
                self._waiting[trial.number] = trial
            elif trial.state.finished:
                self._tuner.score(trial.number, trial.score)

    def ask(self) -> tuple[Trial, ...]:
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

    def tell(self, trial: Trial, result: Result) -> bool:
        self._tuner.score(trial.number, result.metrics["score"])
        return self._stored.tell(trial, result)

    def repeat(self, trial: Trial, earlier: Trial) -> bool:
        self._tuner.score(trial.number, earlier.score)
        return self._stored.repeat(trial, earlier)

    def report(self, trial: Trial, step: int, scores: tuple[float, ...], *, last: bool) -> str:  # noqa: ARG002
        return ""  # every point of a grid is tried to its end

    def fail(self, trial: Trial, reason: str) -> bool:
        self._tuner.score(trial.number, None)
        return self._stored.fail(trial, reason)

    def release(self, trial: Trial) -> None:
        self._stored.release(trial.number)

    def close(self) -> None:
        self._tuner.close()


def choices(space: Space) -> dict[str, tuple[Value, ...]]:
    """The parameters of a grid and their values."""
    return {
        name: parameter.domain.values
        for name, parameter in space.parameters.items()
        if isinstance(parameter.domain, Choice)
    }
