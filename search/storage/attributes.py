"""What the storage has of studies and trials in Optuna's user attributes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ...errors import FmsearchError
from ..trial import State, Trial

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial, TrialState

    from .database import Database

METRICS, FIT, SCORE = "metrics", "fit_seconds", "score_seconds"
DAMAGE = "fmsearch.damage"
"""Stands for the attributes of a trial that cannot be read, and says why; it is never stored."""
REASON, DUPLICATE, DECISION, RESULT = "reason", "duplicate_of", "pruned_at", "result"


def attributes_of(
    metrics: Mapping[str, float],
    fit_seconds: tuple[float, ...],
    score_seconds: tuple[float, ...],
    pruned: str,
) -> dict[str, Any]:
    """The attributes of a complete or pruned trial; `pruned` is the reason, empty if complete."""
    return {METRICS: dict(metrics), FIT: fit_seconds, SCORE: score_seconds, REASON: pruned}


def check_attribute(name: str, value: Any) -> None:
    """Check that an attribute of a trial has the shape in which this room stores it.

    Raises:
        TypeError: It has another one.
    """
    expected = _SHAPES.get(name, object)
    is_sound = isinstance(value, expected)
    if is_sound and expected in (dict, list):
        numbers = value.values() if expected is dict else value
        is_sound = all(isinstance(one, (int, float)) for one in numbers)
    if not is_sound:
        raise TypeError(f"{name}: {json.dumps(value)}")


_SHAPES: Mapping[str, type] = {METRICS: dict, FIT: list, SCORE: list, REASON: str, DUPLICATE: int}


def state_of(optuna_state: TrialState) -> State:
    """Our state for Optuna's."""
    return State.FAILED if optuna_state.name == "FAIL" else State[optuna_state.name]


def optuna_state(state: State) -> TrialState:
    """Optuna's state for ours."""
    from optuna.trial import TrialState

    return TrialState.FAIL if state is State.FAILED else TrialState[state.name]


def read_trial(trial: FrozenTrial) -> Trial:
    """Our trial for Optuna's; one whose record is damaged counts as failed, and says so.

    Raises:
        FmsearchError: Another program completed it.
    """
    if damage := trial.user_attrs.get(DAMAGE):
        reason = f"its record in the storage is damaged ({damage})"
        return Trial(trial.number, trial.params, State.FAILED, reason=reason, is_damaged=True)
    state = state_of(trial.state)
    metrics = trial.user_attrs.get(METRICS, {})
    return Trial(
        number=trial.number,
        parameters=trial.params,
        state=state,
        score=_score(trial, metrics) if state is State.COMPLETE else None,
        metrics=metrics,
        fit_seconds=tuple(trial.user_attrs.get(FIT, ())),
        score_seconds=tuple(trial.user_attrs.get(SCORE, ())),
        reason=trial.user_attrs.get(REASON, ""),
        result=trial.user_attrs.get(RESULT, "") if state.finished else "",
        duplicate_of=trial.user_attrs.get(DUPLICATE),
    )


def _score(trial: FrozenTrial, metrics: Mapping[str, float]) -> float:
    if "score" not in metrics:
        raise FmsearchError(
            f"the storage's trial {trial.number} was completed by another program than fmsearch; "
            "delete that study with Optuna, or choose another --name"
        )
    return metrics["score"]


RUN = "fmsearch.run"
IMPORTANCES = "fmsearch.importances"
RENAMED = "fmsearch.renamed_from"
"""The name that a study had; there until nothing but the past has it."""


class StudyAttributes:
    """What the storage has of one study beside its config and its trials."""

    def __init__(self, database: Database, study_id: int, study: str) -> None:
        self._storage = database.optuna
        self._backend = database.backend
        self._study_id = study_id
        self._study = study

    def set_run(self, run_id: str) -> None:
        """Store the id of the study's run in MLflow."""
        if run_id != self.run():
            self._storage.set_study_user_attr(self._study_id, RUN, run_id)

    def run(self) -> str:
        """The id of the study's run in MLflow; empty if there is none yet."""
        return str(self._get(RUN) or "")

    def former_name(self) -> str:
        """The name that the study had, until `forget_former_name`; empty if it had no other."""
        return str(self._get(RENAMED) or "")

    def forget_former_name(self) -> None:
        """Take note that MLflow has the study under its name."""
        self._storage.set_study_user_attr(self._study_id, RENAMED, "")

    def last_end(self) -> datetime | None:
        """When the last trial ended, in local time; None if none has."""
        return self._backend.last_end(self._study_id)

    def set_importances(self, shares: Mapping[str, float]) -> None:
        """Store the importance of each parameter for the scores so far."""
        self._storage.set_study_user_attr(self._study_id, IMPORTANCES, dict(shares))

    def importances(self) -> Mapping[str, float]:
        """What `set_importances` stored last; empty if nothing."""
        stored = self._get(IMPORTANCES)
        if not isinstance(stored, dict):
            return {}
        return {str(name): float(share) for name, share in stored.items()}

    def _get(self, key: str) -> Any:
        """An attribute; None if there is none, or if it is damaged: both are written anew."""
        with contextlib.suppress(ValueError, LookupError):
            return json.loads(self._backend.study_attributes(self._study)[self._study][key])
        return None
