"""Results: what is known of a finished training, as values."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..models.settings import Value
from ..models.training import Epoch
from .environment import Environment


@dataclass(frozen=True, kw_only=True)
class Result:
    """A finished training's numbers.

    Attributes:
        settings: All settings of the training: searched, fixed and default ones.
        seed: The training's seed, from which each fold's is derived.
        metrics: Final numbers by name: for a trial `score`, `score_std`, `fold_1_score` …, for
            a final model `test_accuracy` and `test_loss`.
        history: All epochs; for cross-validation, means over the folds.
        confusion: Counts behind the metrics; rows are true classes, columns predicted ones.
        parameters: Number of the model's parameters, trainable and not.
        fit_seconds: Training time of each fold.
        score_seconds: Time of each fold's evaluation that gave the score.
        started_at, finished_at: Milliseconds since 1970, UTC.
        pruned: Why the training was stopped before its end, or not begun; empty if complete.
        right: Whether it is right about each validation image, in their order, as `paired.packed`
            writes it; empty unless it is scored on these, or if that is not known.
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
    right: str = ""

    @property
    def train_seconds(self) -> float:
        """Time of all epochs (of all folds), evaluation included."""
        return sum(epoch.seconds for epoch in self.history)


@dataclass(frozen=True)
class Failure:
    """What is known of a training that failed.

    Attributes:
        settings, seed: As in `Result`.
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
