"""Keras Tuner's grid: every point once, in the order of scikit-learn's `ParameterGrid`.

Keras Tuner declares the space and hands out its points; the ledger is the record. Its own JSON
files are not written: they are neither atomic nor resumable (keras-tuner issue 1055), and a
resumed study tells the oracle anew what the ledger has.
"""

from __future__ import annotations

import itertools
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial as TunerTrial
from keras_tuner.engine.trial import TrialStatus

from ..models.settings import Value
from .domain import Choice
from .ledger import StudyLedger
from .result import Result
from .space import Space
from .trial import State, Trial


class GridOracle(keras_tuner.Oracle):  # type: ignore[misc]  # Keras Tuner is not typed
    """Hands out all points of a grid of `Choice`s, the last parameter varying fastest."""

    def __init__(self, hyperparameters: keras_tuner.HyperParameters, max_trials: int) -> None:
        super().__init__(
            objective=keras_tuner.Objective("score", "max"),
            max_trials=max_trials,
            hyperparameters=hyperparameters,
            allow_new_entries=False,
            tune_new_entries=False,
            max_consecutive_failed_trials=max_trials + 1,  # the study has a rule of its own
        )
        self.verbose = 0
        names = [choice.name for choice in hyperparameters.space]
        choices = [choice.values for choice in hyperparameters.space]
        self._points = (
            dict(zip(names, values, strict=True)) for values in itertools.product(*choices)
        )

    def populate_space(self, trial_id: str) -> dict[str, Any]:  # noqa: ARG002  # Keras Tuner's own
        point = next(self._points, None)
        if point is None:
            return {"status": TrialStatus.STOPPED}
        return {"status": TrialStatus.RUNNING, "values": point}

    def save(self) -> None:
        """Nothing: the ledger is the record."""

    def _save_trial(self, trial: TunerTrial) -> None:
        """Nothing: the ledger is the record."""


def declare(space: Space) -> keras_tuner.HyperParameters:
    """A space as Keras Tuner's `HyperParameters`, sorted by name as `ParameterGrid` sorts."""
    hyperparameters = keras_tuner.HyperParameters()
    for name, choices in sorted(_choices(space).items()):
        hyperparameters.Choice(name, list(choices))
    return hyperparameters


class KerasTunerGrid:
    """The engine of a grid study, on a ledger."""

    asks_ahead = True

    def __init__(self, space: Space, ledger: StudyLedger) -> None:
        self._space = space
        self._ledger = ledger
        size = int(space.size)
        self.oracle = GridOracle(declare(space), size)
        self._trials = [self.oracle.create_trial(str(number)) for number in range(size)]
        points: list[dict[str, Value]] = [trial.hyperparameters.values for trial in self._trials]
        ledger.enqueue(points, _choices(space))
        self._waiting: dict[int, Trial] = {}
        self._read()

    def _read(self) -> None:
        """Take note of what the ledger has, also from other coordinators."""
        self._taken_back = self._ledger.taken_back
        self._waiting.clear()
        for trial in self._ledger.trials():
            if trial.state is State.WAITING:
                self._waiting[trial.number] = trial
            elif trial.state.finished:
                self._score(trial.number, trial.score)

    def ask(self) -> tuple[Trial, ...]:
        if not self._waiting or self._taken_back != self._ledger.taken_back:
            self._read()  # what others gave back, or left
        while self._waiting:
            training = self._space.training
            shared = training(next(iter(self._waiting.values())).parameters)
            alike = [one for one in self._waiting.values() if training(one.parameters) == shared]
            for trial in alike:
                del self._waiting[trial.number]
            if claimed := tuple(trial for trial in alike if self._ledger.claim(trial.number)):
                return claimed
        return ()

    def tell(self, trial: Trial, result: Result) -> bool:
        self._score(trial.number, result.metrics["score"])
        return self._ledger.tell(trial, result)

    def repeat(self, trial: Trial, earlier: Trial) -> bool:
        self._score(trial.number, earlier.score)
        return self._ledger.repeat(trial, earlier)

    def report(self, trial: Trial, step: int, scores: tuple[float, ...], *, last: bool) -> str:  # noqa: ARG002
        return ""  # every point of a grid is tried to its end

    def fail(self, trial: Trial, reason: str) -> bool:
        self._score(trial.number, None)
        return self._ledger.fail(trial, reason)

    def release(self, trial: Trial) -> None:
        self._ledger.release(trial.number)

    def _score(self, number: int, score: float | None) -> None:
        trial = self._trials[number]
        if trial.status in (TrialStatus.COMPLETED, TrialStatus.FAILED):
            return  # known
        if score is None:
            trial.status = TrialStatus.FAILED
        else:
            self.oracle.update_trial(trial.trial_id, {"score": score})
            trial.status = TrialStatus.COMPLETED
        self.oracle.end_trial(trial)


def _choices(space: Space) -> dict[str, tuple[Value, ...]]:
    return {
        name: parameter.domain.values
        for name, parameter in space.parameters.items()
        if isinstance(parameter.domain, Choice)
    }
