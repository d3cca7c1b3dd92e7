"""What the storage has of studies and trials in Optuna's user attributes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...errors import FmsearchError
from ..trial import State, Trial

if TYPE_CHECKING:
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial, TrialState

METRICS, FIT, SCORE = "metrics", "fit_seconds", "score_seconds"
REASON, DUPLICATE, DECISION = "reason", "duplicate_of", "pruned_at"


def attributes_of(
    metrics: Mapping[str, float],
    fit_seconds: tuple[float, ...],
    score_seconds: tuple[float, ...],
    pruned: str,
) -> dict[str, Any]:
    """The attributes of a complete or pruned trial; `pruned` is the reason, empty if complete."""
    return {METRICS: dict(metrics), FIT: fit_seconds, SCORE: score_seconds, REASON: pruned}


def state_of(optuna_state: TrialState) -> State:
    """Our state for Optuna's."""
    return State.FAILED if optuna_state.name == "FAIL" else State[optuna_state.name]


def optuna_state(state: State) -> TrialState:
    """Optuna's state for ours."""
    from optuna.trial import TrialState

    return TrialState.FAIL if state is State.FAILED else TrialState[state.name]


def read_trial(trial: FrozenTrial) -> Trial:
    """Our trial for Optuna's.

    Raises:
        FmsearchError: Another program completed it.
    """
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


class StudyAttributes:
    """What the storage has of one study beside its config and its trials."""

    def __init__(self, storage: BaseStorage, study_id: int) -> None:
        self._storage = storage
        self._study_id = study_id

    def set_run(self, run_id: str) -> None:
        """Store the id of the study's run in MLflow."""
        if run_id != self.run():
            self._storage.set_study_user_attr(self._study_id, RUN, run_id)

    def run(self) -> str:
        """The id of the study's run in MLflow; empty if there is none yet."""
        return str(self._storage.get_study_user_attrs(self._study_id).get(RUN, ""))

    def set_importances(self, shares: Mapping[str, float]) -> None:
        """Store the importance of each parameter for the scores so far."""
        self._storage.set_study_user_attr(self._study_id, IMPORTANCES, dict(shares))

    def importances(self) -> Mapping[str, float]:
        """What `set_importances` stored last; empty if nothing."""
        stored = self._storage.get_study_user_attrs(self._study_id).get(IMPORTANCES, {})
        return {str(name): float(share) for name, share in stored.items()}
