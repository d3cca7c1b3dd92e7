"""What the storage has of studies and trials in Optuna's user attributes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ...errors import FmsearchError
from ..trial import State, Trial
from .optuna_private import constraint_key

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial, TrialState

    from .database import Database

METRICS, FIT, SCORE = "metrics", "fit_seconds", "score_seconds"
DAMAGE = "fmsearch.damage"
"""Stands for the attributes of a trial that cannot be read, and says why; it is never stored."""
REASON, DUPLICATE, DECISION, RESULT = "reason", "duplicate_of", "pruned_at", "result"
CONSTRAINT = constraint_key("parameters")
"""The system attribute with the limit of a network's size."""
PAUSE = "pause"
"""Of a trial that was paused, as `Pause` has it. In Optuna's tables paused trials are RUNNING, as
those that are WAITING there have not begun."""


@dataclass(frozen=True)
class Pause:
    """That a trial was paused.

    Attributes:
        step: The epoch or fold after which it was.
        worker: Whose outbox has its state.
        resumed: Whether it goes on, or went on and has finished.
    """

    step: int
    worker: str
    resumed: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.step, int):
            raise TypeError(f"step {self.step!r}")


def pause_of(trial: FrozenTrial) -> Pause | None:
    """That a running or finished trial was last paused; None if it never was."""
    noted = trial.user_attrs.get(PAUSE)
    return None if noted is None else Pause(**noted)


def is_paused(trial: FrozenTrial) -> bool:
    """Whether a trial is paused now."""
    pause = pause_of(trial)
    return trial.state.name == "RUNNING" and pause is not None and not pause.resumed


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
    if name == PAUSE:
        Pause(**value)
    expected = _SHAPES.get(name, object)
    is_sound = isinstance(value, expected)
    if is_sound and expected in (dict, list):
        numbers = value.values() if expected is dict else value
        is_sound = all(isinstance(one, (int, float)) for one in numbers)
    if not is_sound:
        raise TypeError(f"{name}: {json.dumps(value)}")


_SHAPES: Mapping[str, type] = {METRICS: dict, FIT: list, SCORE: list, REASON: str, DUPLICATE: int}


@dataclass(frozen=True)
class Decision:
    """A pruner's: the step (epoch or fold) after which a trial ends, and the reason."""

    step: int
    reason: str


def state_of(optuna_state: TrialState) -> State:
    """Our state for Optuna's."""
    return State.FAILED if optuna_state.name == "FAIL" else State[optuna_state.name]


def optuna_state(state: State) -> TrialState:
    """Optuna's state for ours."""
    from optuna.trial import TrialState

    others = {State.FAILED: "FAIL", State.PAUSED: "RUNNING"}
    return TrialState[others.get(state, state.name)]


def is_running(trial: FrozenTrial) -> bool:
    """Whether a trial is being trained, as far as the storage knows."""
    return trial.state.name == "RUNNING" and not is_paused(trial)


def read_trial(trial: FrozenTrial) -> Trial:
    """Our trial for Optuna's; one whose record is damaged counts as failed, and says so.

    Raises:
        FmsearchError: Another program completed it.
    """
    if damage := trial.user_attrs.get(DAMAGE):
        reason = f"its record in the storage is damaged ({damage})"
        return Trial(trial.number, trial.params, State.FAILED, reason=reason, is_damaged=True)
    state = State.PAUSED if is_paused(trial) else state_of(trial.state)
    pause = pause_of(trial)
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
        paused_at=0 if pause is None else pause.step,
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
