"""Keras Tuner's view of a grid: its points in one order, and what has become of them.

Keras Tuner's JSON files are not written: they are neither atomic nor resumable (its issue 1055).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial as TunerTrial
from keras_tuner.engine.trial import TrialStatus

from ...errors import FmsearchError
from ...models.settings import Value
from ..storage.stored_study import StoredStudy
from ..trial import State, Trial

STATUS = {
    State.RUNNING: TrialStatus.RUNNING,
    State.COMPLETE: TrialStatus.COMPLETED,
    State.PRUNED: TrialStatus.FAILED,  # which has no score either
    State.FAILED: TrialStatus.FAILED,
}


class GridOracle(keras_tuner.Oracle):  # type: ignore[misc]  # Keras Tuner is not typed
    """Hands out every point of a grid once, in the order of scikit-learn's `ParameterGrid`."""

    def __init__(self, choices: Mapping[str, Sequence[Value]]) -> None:
        names = sorted(choices)  # of which the last one varies fastest
        hyperparameters = keras_tuner.HyperParameters()
        for name in names:
            hyperparameters.Choice(name, list(choices[name]))
        size = math.prod(map(len, choices.values()))
        super().__init__(
            objective=keras_tuner.Objective("score", "max"),
            max_trials=size,
            hyperparameters=hyperparameters,
            allow_new_entries=False,
            tune_new_entries=False,
            max_consecutive_failed_trials=size + 1,  # the study has a rule of its own
        )
        self.verbose = 0
        values = (choice.values for choice in hyperparameters.space)
        points = (dict(zip(names, one, strict=True)) for one in itertools.product(*values))
        self._points: Iterator[dict[str, Any]] = points

    def populate_space(self, trial_id: str) -> dict[str, Any]:  # noqa: ARG002  # Keras Tuner's own
        point = next(self._points, None)
        if point is None:
            return {"status": TrialStatus.STOPPED}
        return {"status": TrialStatus.RUNNING, "values": point}

    def fill(self, trials: Iterable[Trial]) -> None:
        """Take over what has become of the points in a study, which hands them out from then on."""
        self._points = iter(())
        digits = len(str(self.max_trials))  # of an id, as `create_trial` writes it
        for trial in trials:
            if trial.state is State.WAITING:
                continue  # Keras Tuner has no trial before it begins
            point = self.get_space()
            point.values = dict(trial.parameters)
            name, why = f"{trial.number:0{digits}}", trial.reason or None
            theirs = TunerTrial(point, name, STATUS[trial.state], why)
            self.trials[name] = self.ongoing_trials[name] = theirs
            self.start_order.append(name)
            if trial.score is not None:
                self.update_trial(name, {"score": trial.score})
            if trial.state.finished:
                self.end_trial(theirs)

    def save(self) -> None:
        """Nothing: the storage is the record."""

    def _save_trial(self, trial: TunerTrial) -> None:
        """Nothing: the storage is the record."""


def enumerate_points(choices: Mapping[str, Sequence[Value]]) -> list[dict[str, Value]]:
    """All points of a grid, in the order in which an oracle hands them out."""
    oracle = GridOracle(choices)
    trials = [oracle.create_trial(str(number)) for number in range(oracle.max_trials)]
    return [dict(trial.hyperparameters.values) for trial in trials]


def keras_tuner_oracle(stored: StoredStudy) -> keras_tuner.Oracle:
    """A stored grid as Keras Tuner sees it: for `trials`, `get_best_trials` and summaries.

    The ids of trials are their numbers. Trials that wait are not among them; `remaining_trials`
    counts those. It is a view as of now, and hands out no trial: the study does that.

    Raises:
        FmsearchError: The study is not a grid.
    """
    if not stored.config.space.traits.tries_every_point:
        raise FmsearchError(
            f"the study {stored.config.name!r} is no grid, and Keras Tuner sees only grids"
        )
    oracle = GridOracle(stored.config.space.choices)
    oracle.fill(stored.trials())
    return oracle
