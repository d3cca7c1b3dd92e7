"""A training on one or several folds, scored at one or several horizons."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from .score import FoldOutcome, Outcome
from .seeds import derive_seed
from .settings import Scoring
from .split import Fold
from .training import Epoch, FitState, fit

if TYPE_CHECKING:
    from .network import Network


@dataclass(frozen=True)
class Progress:
    """A training's progress: all that is needed to continue as if it had never stopped.

    Attributes:
        fold: The current fold, counted from 1.
        kept: The outcomes so far, by horizon and fold.
        error: Why other horizons will not be reached; empty if all can be.
    """

    fold: int
    state: FitState
    kept: dict[int, dict[int, FoldOutcome]]
    error: str = ""


@dataclass(frozen=True)
class Report:
    """A training's report after an epoch.

    Attributes:
        fold: Counted from 1.
        scores: What a pruner may judge by: the accuracy after this epoch or, with
            cross-validation, at the end of a fold the scores of all finished folds. Else empty.
    """

    fold: int
    epoch: Epoch
    scores: tuple[float, ...]


@dataclass(frozen=True)
class Scored:
    """How a training ended.

    Attributes:
        outcomes: By horizon, for the horizons that every fold reached.
        error: Why other horizons were not reached; empty if all were.
        pruned: The outcome so far of a training that was pruned; None for any other.
    """

    outcomes: dict[int, Outcome] = field(default_factory=dict)
    error: str = ""
    pruned: Outcome | None = None


@dataclass(frozen=True)
class Training:
    """A training to be scored.

    Attributes:
        folds: One fold for `Scoring.VALIDATION`.
        seed: Fold k's fit has the seed `derive_seed(seed, k)`, k from 1.
        horizons: Numbers of epochs after which there are outcomes. Unless a fit's settings depend
            on its length, its state after 10 of 20 epochs is exactly that of a fit of 10 epochs.
    """

    folds: Sequence[Fold]
    seed: int
    horizons: Sequence[int]
    scoring: Scoring

    def better(self, before: FoldOutcome | None, now: FoldOutcome) -> FoldOutcome:
        """The epoch of a fit that is kept: the last one, or the best (the first of equals)."""
        if self.scoring is Scoring.CROSS_VALIDATION or before is None or now.score > before.score:
            return now
        return replace(before, history=now.history)

    def scores(
        self, folds: Mapping[int, FoldOutcome], now: FoldOutcome, longest: int
    ) -> tuple[float, ...]:
        """The `scores` of a `Report`; `longest` is the longest horizon."""
        if self.scoring is Scoring.VALIDATION:
            return (now.score,)
        return tuple(f.score for f in folds.values()) if now.epoch == longest else ()


class Keeper(Protocol):
    """Stores a training's progress, in case its process dies."""

    def due(self) -> bool:
        """Whether it is time to store it."""

    def keep(self, progress: Progress) -> None:
        """Store it, in place of an earlier one."""


def train_and_score(
    network: Network,
    training: Training,
    report: Callable[[Report], bool] = lambda one: False,
    keeper: Keeper | None = None,
    *,
    start: Progress | None = None,
) -> Scored:
    """Fit each fold once, to the longest horizon, and take the outcome at every horizon.

    If a fit diverges, the horizons before that epoch are still scored.

    Args:
        network: Its state is overwritten.
        report: Called after each epoch; if the report has scores, returning True prunes the
            training.
        keeper: Stores the progress whenever that is due.
        start: The progress to continue from.
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
        for epoch, evaluation in fit(network, fold, seed, longest, start=state):
            if epoch.diverged:
                error = f"{epoch.diverged} of fold {number}"
                kept = {at: folds for at, folds in kept.items() if at < epoch.epoch}
                break
            history = (*history, epoch)
            if evaluation is None:
                raise ValueError("a fold without validation images cannot be scored")
            now = FoldOutcome(
                history, epoch.epoch, evaluation.confusion, network.weights(), evaluation.right
            )
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
