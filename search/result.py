"""Results: what a finished training has to say, and the folder in which it says it."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..models.settings import Value
from ..models.training import Epoch
from .environment import Environment


@dataclass(frozen=True, kw_only=True)
class Result:
    """A finished training's numbers.

    Attributes:
        settings: All settings of the training, searched, fixed and default.
        seed: Of the training; each fold derives its own from it.
        metrics: Final numbers by name: for a trial `score`, `score_std`, `fold_1_score` …, for
            a final model `test_accuracy` and `test_loss`.
        history: Epoch by epoch; for cross-validation means over the folds.
        confusion: Counts behind the metrics, rows true, columns predicted.
        parameters: Number of the model's parameters, trainable and not.
        fit_seconds: Time spent in training, for each fold.
        score_seconds: Time spent in the evaluation that gave the score, for each fold.
        started_at, finished_at: Milliseconds since 1970, UTC.
        pruned: Why the training was stopped before its end, or not begun; empty if it was not.
        environment: In which it ran.
    """

    settings: dict[str, Value]
    seed: int
    metrics: dict[str, float]
    history: tuple[Epoch, ...]
    confusion: tuple[tuple[int, ...], ...]
    parameters: int
    fit_seconds: tuple[float, ...]
    score_seconds: tuple[float, ...]
    started_at: int
    finished_at: int
    pruned: str = ""
    environment: Environment = field(default_factory=Environment)

    @property
    def train_seconds(self) -> float:
        """Time spent in all epochs (of all folds), evaluation included."""
        return sum(epoch.seconds for epoch in self.history)


@dataclass(frozen=True)
class Failure:
    """What is known of a training that failed.

    Attributes:
        settings, seed: As in `Result`.
        error: Why.
        failed_at: Milliseconds since 1970, UTC.
    """

    settings: dict[str, Value]
    seed: int
    error: str
    failed_at: int


@dataclass(frozen=True)
class Duplicate:
    """A trial that repeats another one's result.

    Attributes:
        of: The other trial's number.
        settings, seed: As in `Result`.
        told_at: Milliseconds since 1970, UTC.
    """

    of: int
    settings: dict[str, Value]
    seed: int
    told_at: int
