"""What the ledger notes of a trial, in Optuna's user attributes, and the trial that comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import FmsearchError
from .trial import State, Trial

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial, TrialState

METRICS, FIT, SCORE = "metrics", "fit_seconds", "score_seconds"
REASON, DUPLICATE, DECISION = "reason", "duplicate_of", "pruned_at"


def notes_of(
    metrics: Mapping[str, float],
    fit_seconds: tuple[float, ...],
    score_seconds: tuple[float, ...],
    pruned: str,
) -> dict[str, Any]:
    """What is noted of a trial that is complete or, for a reason, pruned."""
    return {METRICS: dict(metrics), FIT: fit_seconds, SCORE: score_seconds, REASON: pruned}


def state_of(optunas: TrialState) -> State:
    """A state by Optuna's."""
    return State.FAILED if optunas.name == "FAIL" else State[optunas.name]


def read_trial(trial: FrozenTrial) -> Trial:
    """A trial by Optuna's.

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
            f"the ledger's trial {trial.number} was completed by another program than fmsearch; "
            "delete that study with Optuna, or choose another --name"
        )
    return metrics["score"]
