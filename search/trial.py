"""Trials: sets of parameter values that a study tries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from ..models.settings import Value


class State(Enum):
    """What became of a trial so far."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETE = "complete"
    PRUNED = "pruned"
    FAILED = "failed"

    @property
    def finished(self) -> bool:
        return self in (State.COMPLETE, State.PRUNED, State.FAILED)


@dataclass(frozen=True)
class Trial:
    """A trial as the ledger has it.

    Attributes:
        number: From 0, in the order in which the engine proposed it.
        parameters: The space's parameters and their values.
        state: What became of it.
        score: The number that the study maximises, once complete.
        metrics: Its final numbers by name; empty until complete.
        fit_seconds, score_seconds: Time spent for each fold, as in `Result`.
        error: Why it failed.
    """

    number: int
    parameters: Mapping[str, Value]
    state: State
    score: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    fit_seconds: tuple[float, ...] = ()
    score_seconds: tuple[float, ...] = ()
    error: str = ""

    def __post_init__(self) -> None:
        if (self.state is State.COMPLETE) != (self.score is not None):
            raise ValueError(f"trial {self.number} is {self.state.value} with score {self.score}")
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))
        object.__setattr__(self, "metrics", MappingProxyType(dict(self.metrics)))

    @property
    def fold_scores(self) -> tuple[float, ...]:
        count = len(self.fit_seconds)
        return tuple(self.metrics[f"fold_{fold}_score"] for fold in range(1, count + 1))


def best_trial(trials: list[Trial]) -> Trial | None:
    """The complete trial with the highest score; the first of equals, as `GridSearchCV` has it."""
    complete = [trial for trial in trials if trial.state is State.COMPLETE]
    return max(complete, key=lambda trial: (trial.score, -trial.number), default=None)
