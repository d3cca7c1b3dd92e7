"""Trials: sets of parameter values that a study tries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from ..models.seeds import derive_seed
from ..models.settings import Value

SEED = "seed"
"""Under this name the seed stands among the settings of a training, in MLflow's params."""
DAMAGED = "damaged"
"""The status of a trial whose record cannot be read."""


class State(Enum):
    """The state of a trial."""

    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETE = "complete"
    PRUNED = "pruned"
    FAILED = "failed"

    @property
    def finished(self) -> bool:
        return self in (State.COMPLETE, State.PRUNED, State.FAILED)


@dataclass(frozen=True)
class Trial:
    """A trial as the storage has it.

    Attributes:
        number: From 0, in the order in which the engine proposed the trials.
        score: The number that the study maximises; None unless complete.
        metrics: Final numbers by name; empty unless complete or pruned.
        fit_seconds, score_seconds: As in `Result`.
        reason: Why it failed, was pruned, or is to be pruned; else empty.
        result: Id of its result, as `read_entry` gives it; empty unless finished, or if an earlier
            version finished it.
        duplicate_of: Number of the earlier trial with equal parameters, whose result it has.
        paused_at: The step (epoch or fold) after which it was last paused; 0 if it never was.
        is_damaged: Whether its record in the storage cannot be read; it counts as failed.
    """

    number: int
    parameters: Mapping[str, Value]
    state: State
    score: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    fit_seconds: tuple[float, ...] = ()
    score_seconds: tuple[float, ...] = ()
    reason: str = ""
    result: str = ""
    duplicate_of: int | None = None
    paused_at: int = 0
    is_damaged: bool = False

    def __post_init__(self) -> None:
        if (self.state is State.COMPLETE) != (self.score is not None):
            raise ValueError(f"trial {self.number} is {self.state.value} with score {self.score}")
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))
        object.__setattr__(self, "metrics", MappingProxyType(dict(self.metrics)))

    @property
    def status(self) -> str:
        """The state in a word, or that it is damaged."""
        return DAMAGED if self.is_damaged else self.state.value

    @property
    def fold_scores(self) -> tuple[float, ...]:
        names = (f"fold_{fold}_score" for fold in range(1, len(self.fit_seconds) + 1))
        return tuple(self.metrics[name] for name in names if name in self.metrics)


@dataclass(frozen=True)
class Verdict:
    """What becomes of a training after a score.

    Attributes:
        prune: Why it is to end here; empty if it is not.
        pause: Whether it is to stop here and keep its state, so that it can go on later.
    """

    prune: str = ""
    pause: bool = False


def is_over(trials: Sequence[Trial]) -> bool:
    """Whether no trial is left to be tried."""
    return all(trial.state.finished for trial in trials)


def training_seed(study_seed: int, parameters: Mapping[str, Value], *more: str) -> int:
    """The seed of a training; trials that differ only in epochs share it."""
    but_epochs = {name: value for name, value in parameters.items() if name != "epochs"}
    return derive_seed(study_seed, but_epochs, *more)


def ranking(trials: Sequence[Trial]) -> list[Trial]:
    """Complete trials, the highest score first; of equal scores the lower number first, as in
    `GridSearchCV`. Duplicates are left out, because the trial that they repeat is there."""
    return [trial for *_, trial in sorted(_ranked(trials), key=_rank, reverse=True)]


def best_trial(trials: Sequence[Trial]) -> Trial | None:
    """The first of the `ranking`."""
    best = max(_ranked(trials), key=_rank, default=None)
    return None if best is None else best[2]


def _ranked(trials: Sequence[Trial]) -> Iterator[tuple[float, int, Trial]]:
    for trial in trials:
        if trial.score is not None and trial.duplicate_of is None:
            yield trial.score, -trial.number, trial


def _rank(one: tuple[float, int, Trial]) -> tuple[float, int]:
    return one[:2]
