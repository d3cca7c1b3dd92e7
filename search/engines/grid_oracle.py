"""Keras Tuner's view of a grid: every point once, in the order of scikit-learn's `ParameterGrid`.

Its own JSON files are not written: they are neither atomic nor resumable (keras-tuner issue 1055).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial as TunerTrial
from keras_tuner.engine.trial import TrialStatus

from ...models.settings import Value


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
        """Nothing: the storage is the record."""

    def _save_trial(self, trial: TunerTrial) -> None:
        """Nothing: the storage is the record."""


def declare(choices: Mapping[str, Sequence[Value]]) -> keras_tuner.HyperParameters:
    """A grid as Keras Tuner's `HyperParameters`, sorted by name as `ParameterGrid` sorts."""
    hyperparameters = keras_tuner.HyperParameters()
    for name, values in sorted(choices.items()):
        hyperparameters.Choice(name, list(values))
    return hyperparameters


class GridTuner:
    """A grid's points and their scores, as an oracle of Keras Tuner has them.

    Attributes:
        oracle: Keras Tuner's own views of them: `get_best_trials` and the like.
    """

    def __init__(self, choices: Mapping[str, Sequence[Value]]) -> None:
        hyperparameters = declare(choices)
        size = 1
        for choice in hyperparameters.space:
            size *= len(choice.values)
        self.oracle = GridOracle(hyperparameters, size)
        self._trials = [self.oracle.create_trial(str(number)) for number in range(size)]

    def points(self) -> list[dict[str, Value]]:
        """All points, in the order in which the oracle hands them out."""
        return [dict(trial.hyperparameters.values) for trial in self._trials]

    def score(self, number: int, score: float | None) -> None:
        """Tell a point's score, or None if it failed; only the first time counts."""
        trial = self._trials[number]
        if trial.status in (TrialStatus.COMPLETED, TrialStatus.FAILED):
            return
        if score is None:
            trial.status = TrialStatus.FAILED
        else:
            self.oracle.update_trial(trial.trial_id, {"score": score})
            trial.status = TrialStatus.COMPLETED
        self.oracle.end_trial(trial)

    def best(self, count: int) -> list[tuple[dict[str, Value], float]]:
        """The best points and their scores, as Keras Tuner ranks them."""
        return [
            (dict(trial.hyperparameters.values), float(trial.score))
            for trial in self.oracle.get_best_trials(count)
            if trial.score is not None
        ]
