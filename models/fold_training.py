"""Scoring: a training on one or several folds, and what it leaves at one or several horizons."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from .score import FoldOutcome, Outcome
from .seeds import derive_seed
from .settings import Scoring
from .split import Fold
from .training import Epoch, FitState, fit

if TYPE_CHECKING:
    from .network import Evaluation, Network


@dataclass(frozen=True)
class Progress:
    """How far a training is: all that it needs to go on as if it had never stopped.

    Attributes:
        fold: The one under way, counted from 1.
        state: Of its fit.
        kept: For each horizon the outcomes so far, by fold.
        error: Why other horizons will not be reached.
    """

    fold: int
    state: FitState
    kept: dict[int, dict[int, FoldOutcome]]
    error: str = ""


@dataclass(frozen=True)
class Report:
    """What a training says after each epoch.

    Attributes:
        fold: Counted from 1.
        epoch: What it measured.
        scores: Where a pruner may judge: the accuracy after this epoch or, cross-validated, the
            scores of the folds that are done. Else empty.
    """

    fold: int
    epoch: Epoch
    scores: tuple[float, ...]


@dataclass(frozen=True)
class Scored:
    """How a training ended.

    Attributes:
        outcomes: By horizon, those that every fold reached.
        error: Why others were not reached; empty if all were.
        pruned: What there is of a training that was stopped before its end.
    """

    outcomes: dict[int, Outcome] = field(default_factory=dict)
    error: str = ""
    pruned: Outcome | None = None


@dataclass(frozen=True)
class Training:
    """A training to be scored.

    Attributes:
        folds: What to train and to score on; one for `Scoring.VALIDATION`.
        seed: Fold k's fit has the seed `derive_seed(seed, k)`, k from 1.
        horizons: After how many epochs there are outcomes. A fit whose settings do not depend on
            its length does not know it, so that its state after 10 of 20 epochs is exactly that
            of a fit of 10.
        scoring: How.
    """

    folds: Sequence[Fold]
    seed: int
    horizons: Sequence[int]
    scoring: Scoring

    def better(self, before: FoldOutcome | None, now: FoldOutcome) -> FoldOutcome:
        """Which of two epochs of a fit is kept: the last one, or the best (the first of equals)."""
        if self.scoring is Scoring.CROSS_VALIDATION or before is None or now.score > before.score:
            return now
        return replace(before, history=now.history)

    def scores(
        self, folds: Mapping[int, FoldOutcome], now: FoldOutcome, longest: int
    ) -> tuple[float, ...]:
        """What a pruner may judge by, see `Report`; `longest` is the horizon to be reached."""
        if self.scoring is Scoring.VALIDATION:
            return (now.score,)
        return tuple(f.score for f in folds.values()) if now.epoch == longest else ()


class Keeper(Protocol):
    """Keeps a training's progress, in case its process dies."""

    def due(self) -> bool:
        """Whether it is time to keep it."""

    def keep(self, progress: Progress) -> None:
        """Keep it, in place of an earlier one."""


def train_and_score(
    network: Network,
    training: Training,
    report: Callable[[Report], bool] = lambda one: False,
    keeper: Keeper | None = None,
    start: Progress | None = None,
) -> Scored:
    """Fit each fold once, to the longest horizon, and take the outcome at every horizon.

    Where a fit diverges, the horizons that it had passed can still be scored.

    Args:
        network: Any state; it is overwritten.
        training: What to train.
        report: Called after each epoch; where it gets scores, its answer True ends the training.
        keeper: Gets the progress whenever it is due.
        start: Go on from here.
    """
    kept: dict[int, dict[int, FoldOutcome]] = {horizon: {} for horizon in training.horizons}
    if start:
        kept = {horizon: dict(folds) for horizon, folds in start.kept.items()}
    error = start.error if start else ""
    for number, fold in enumerate(training.folds, start=1):
        if start and number < start.fold:
            continue
        state = start.state if start and number == start.fold else None
        history = state.history if state else ()
        seed, longest = derive_seed(training.seed, number), max(kept)
        for epoch, evaluation in fit(network, fold, seed, longest, state):
            if epoch.diverged:
                error = f"{epoch.diverged} of fold {number}"
                kept = {at: folds for at, folds in kept.items() if at < epoch.epoch}
                break
            history = (*history, epoch)
            now = FoldOutcome(history, epoch.epoch, _confusion(evaluation), network.weights())
            for horizon, outcomes in kept.items():
                if epoch.epoch <= horizon:
                    outcomes[number] = training.better(outcomes.get(number), now)
            scores = training.scores(kept[longest], now, longest)
            if report(Report(number, epoch, scores)) and scores:
                folds = {**kept[longest], number: now}
                return Scored(pruned=Outcome(training.scoring, tuple(folds.values())))
            if keeper is not None and keeper.due():
                keeper.keep(Progress(number, FitState(history, network.state()), kept, error))
        if not kept:
            break
    reached = {at: Outcome(training.scoring, tuple(folds.values())) for at, folds in kept.items()}
    return Scored(reached, error)


def _confusion(evaluation: Evaluation | None) -> npt.NDArray[np.int64]:
    if evaluation is None:
        raise ValueError("a fold without validation images cannot be scored")
    return evaluation.confusion
