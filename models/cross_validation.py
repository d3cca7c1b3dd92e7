"""Cross-validation of one training at one or several horizons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .seeds import derive_seed
from .split import Fold
from .training import Epoch, fit

if TYPE_CHECKING:
    from .network import Network, Variables

Report = Callable[[int, Epoch], None]
"""Called after each epoch with the fold, counted from 1, and the epoch."""


@dataclass(frozen=True)
class FoldOutcome:
    """One fold's fit up to a horizon.

    Attributes:
        history: The epochs up to the horizon.
        confusion: int64 (classes, classes) counts of the fold's validation images after the
            last epoch; rows are true classes.
        weights: The model's weights after the last epoch.
    """

    history: tuple[Epoch, ...]
    confusion: npt.NDArray[np.int64]
    weights: Variables

    @property
    def score(self) -> float:
        """Accuracy on the fold's validation images after the last epoch."""
        return float(np.trace(self.confusion) / self.confusion.sum())

    @property
    def fit_seconds(self) -> float:
        """Time spent in training, over all epochs."""
        return sum(epoch.seconds - epoch.score_seconds for epoch in self.history)

    @property
    def score_seconds(self) -> float:
        """Time spent in the evaluation that gave the score."""
        return self.history[-1].score_seconds


@dataclass(frozen=True)
class CrossValidation:
    """A training's outcomes on all folds, at one horizon, in the order of the folds."""

    folds: tuple[FoldOutcome, ...]

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
        """`score`, `score_std` and each fold's score, under the names they are logged by."""
        folds = {f"fold_{k}_score": score for k, score in enumerate(self.scores, start=1)}
        return {"score": self.score, "score_std": self.score_std, **folds}

    @property
    def confusion(self) -> npt.NDArray[np.int64]:
        """Counts pooled over the out-of-fold predictions."""
        pooled: npt.NDArray[np.int64] = np.sum([fold.confusion for fold in self.folds], axis=0)
        return pooled

    @property
    def median_fold(self) -> FoldOutcome:
        """The fold with the median score (the lower one of two), the first of equals."""
        order = np.argsort(self.scores, kind="stable")
        return self.folds[int(order[(len(order) - 1) // 2])]

    @property
    def history(self) -> tuple[Epoch, ...]:
        """Epoch by epoch the mean over folds; times are those of the last fold."""
        return tuple(_mean(epochs) for epochs in zip(*(f.history for f in self.folds), strict=True))


def cross_validate(
    network: Network,
    folds: Sequence[Fold],
    seed: int,
    horizons: Sequence[int],
    report: Report = lambda fold, epoch: None,
) -> tuple[dict[int, CrossValidation], str]:
    """Fit each fold once, to the longest horizon, and take the outcome at every horizon.

    A fit does not know how long it will go on, so its state after 10 epochs is exactly that
    of a fit of 10 epochs. Fold k's fit has the seed `derive_seed(seed, k)`, k from 1. Where a
    fit diverges, the horizons that it had passed can still be scored.

    Returns:
        The outcome at each horizon that every fold reached, and why others were not reached.
    """
    outcomes: dict[int, list[FoldOutcome]] = {horizon: [] for horizon in horizons}
    error = ""
    for number, fold in enumerate(folds, start=1):
        history: list[Epoch] = []
        for epoch, evaluation in fit(network, fold, derive_seed(seed, number), max(outcomes)):
            if epoch.diverged:
                error = f"{epoch.diverged} of fold {number}"
                outcomes = {at: done for at, done in outcomes.items() if at < epoch.epoch}
                break
            history.append(epoch)
            if evaluation and epoch.epoch in outcomes:
                outcomes[epoch.epoch].append(
                    FoldOutcome(tuple(history), evaluation.confusion, network.weights())
                )
            report(number, epoch)
        if not outcomes:
            break
    return {horizon: CrossValidation(tuple(done)) for horizon, done in outcomes.items()}, error


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
