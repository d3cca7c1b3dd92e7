"""The outcome of a training on its folds, and the scores that follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .confusion import accuracy_of
from .metrics import ACCURACY
from .settings import Scoring
from .training import Epoch

if TYPE_CHECKING:
    from .network import Variables


@dataclass(frozen=True)
class FoldOutcome:
    """One fold's fit up to a horizon.

    Attributes:
        history: The epochs up to the horizon.
        epoch: The epoch that is scored, from 1.
        confusion: int64, (classes, classes), counts of the fold's validation images after that
            epoch; rows are true classes.
        weights: The model's weights after that epoch.
        score: The metric on those images after that epoch; larger is better.
        right: bool, whether it is right about each of these images then; empty if that is not
            known, as where a checkpoint of an earlier version was taken up.
    """

    history: tuple[Epoch, ...]
    epoch: int
    confusion: npt.NDArray[np.int64]
    weights: Variables
    score: float
    right: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))

    @property
    def fit_seconds(self) -> float:
        """Training time of all epochs."""
        return sum(epoch.seconds - epoch.score_seconds for epoch in self.history)

    @property
    def score_seconds(self) -> float:
        """Time of the evaluation that gave the score."""
        return self.history[self.epoch - 1].score_seconds


@dataclass(frozen=True)
class Outcome:
    """A training's outcomes on its folds, at one horizon, in the order of the folds.

    `metric` is the name of what the scores measure.
    """

    scoring: Scoring
    folds: tuple[FoldOutcome, ...]
    metric: str = ACCURACY

    @property
    def scores(self) -> tuple[float, ...]:
        return tuple(fold.score for fold in self.folds)

    @property
    def score(self) -> float:
        """Mean of the folds' scores: `mean_test_score` of scikit-learn's `GridSearchCV`."""
        return float(np.average(self.scores))

    @property
    def score_std(self) -> float:
        """Population standard deviation of the folds' scores, as `GridSearchCV` has it."""
        return float(np.sqrt(np.average((np.array(self.scores) - self.score) ** 2)))

    @property
    def metrics(self) -> dict[str, float]:
        """The score and related numbers, by the metrics' names in MLflow."""
        accuracies = [accuracy_of(fold.confusion) for fold in self.folds]
        beside = {} if self.metric == ACCURACY else {"accuracy": float(np.average(accuracies))}
        if self.scoring is Scoring.VALIDATION:
            return {"score": self.score, "best_epoch": self.folds[0].epoch, **beside}
        folds = {f"fold_{k}_score": score for k, score in enumerate(self.scores, start=1)}
        return {"score": self.score, "score_std": self.score_std, **folds, **beside}

    @property
    def confusion(self) -> npt.NDArray[np.int64]:
        """Counts pooled over the out-of-fold predictions."""
        pooled: npt.NDArray[np.int64] = np.sum([fold.confusion for fold in self.folds], axis=0)
        return pooled

    @property
    def median_fold(self) -> FoldOutcome:
        """The fold with the median score (the lower of two medians); the first of equals."""
        order = np.argsort(self.scores, kind="stable")
        return self.folds[int(order[(len(order) - 1) // 2])]

    @property
    def history(self) -> tuple[Epoch, ...]:
        """Epochs averaged over folds; their seconds are summed, their times the last fold's."""
        return tuple(_mean(epochs) for epochs in zip(*(f.history for f in self.folds), strict=True))


def _mean(epochs: Sequence[Epoch]) -> Epoch:
    def mean(name: str) -> float:
        return float(np.mean([getattr(epoch, name) for epoch in epochs]))

    return Epoch(
        epoch=epochs[-1].epoch,
        train_loss=mean("train_loss"),
        train_accuracy=mean("train_accuracy"),
        val_loss=mean("val_loss"),
        val_accuracy=mean("val_accuracy"),
        measured_at=epochs[-1].measured_at,
        seconds=sum(epoch.seconds for epoch in epochs),
        score_seconds=sum(epoch.score_seconds for epoch in epochs),
    )
