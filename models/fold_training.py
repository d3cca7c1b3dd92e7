"""A training on one or several folds, scored at one or several horizons."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from ..errors import FmsearchError
from .metrics import ACCURACY, Metric, find_metric
from .score import FoldOutcome, Outcome
from .seeds import derive_seed
from .settings import Scoring
from .split import Fold
from .training import Epoch, FitState, fit

if TYPE_CHECKING:
    from .network import Evaluation, Network

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Progress:
    """A training's progress: all that is needed to continue as if it had never stopped.

    Attributes:
        fold: The current fold, counted from 1.
        kept: The outcomes so far, by horizon and fold.
        error: Why other horizons will not be reached; empty if all can be.
        scores: As in `Report`, of the last epoch. They are reported again when the training goes
            on, as its process may have died before it heard the answer.
    """

    fold: int
    state: FitState
    kept: dict[int, dict[int, FoldOutcome]]
    error: str = ""
    scores: tuple[float, ...] = ()

    @property
    def epoch(self) -> int:
        """The last epoch that is done, counted from 1 in each fold."""
        return self.state.history[-1].epoch


class Stop(Enum):
    """Why a training does not go on after a report: it ends there, or may go on later."""

    PRUNE = "prune"
    PAUSE = "pause"


@dataclass(frozen=True)
class Report:
    """A training's report after an epoch.

    Attributes:
        fold: Counted from 1.
        scores: What a pruner may judge by: the score after this epoch or, with
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
        paused: The progress of a training that was paused; None for any other.
    """

    outcomes: dict[int, Outcome] = field(default_factory=dict)
    error: str = ""
    pruned: Outcome | None = None
    paused: Progress | None = None


@dataclass(frozen=True)
class Training:
    """A training to be scored.

    Attributes:
        folds: One fold for `Scoring.VALIDATION`.
        seed: Fold k's fit has the seed `derive_seed(seed, k)`, k from 1.
        horizons: Numbers of epochs after which there are outcomes. Unless a fit's settings depend
            on its length, its state after 10 of 20 epochs is exactly that of a fit of 10 epochs.
        metric: What the scores measure, as `find_metric` takes it.
    """

    folds: Sequence[Fold]
    seed: int
    horizons: Sequence[int]
    scoring: Scoring
    metric: str = ACCURACY

    def scores_after(self, epoch: int) -> bool:
        """Whether a fit is scored after an epoch: after each, or after the last of a horizon."""
        return self.scoring is Scoring.VALIDATION or epoch in self.horizons

    def outcome(self, folds: Mapping[int, FoldOutcome]) -> Outcome:
        return Outcome(self.scoring, tuple(folds.values()), self.metric)

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
    report: Callable[[Report], Stop | None] = lambda one: None,
    keeper: Keeper | None = None,
    *,
    start: Progress | None = None,
) -> Scored:
    """Fit each fold once, to the longest horizon, and take the outcome at every horizon.

    If a fit diverges, or the metric cannot be computed, the horizons before that epoch are still
    scored.

    Args:
        network: Its state is overwritten.
        report: Called after each epoch; if the report has scores, the training stops there as the
            answer says.
        keeper: Stores the progress whenever that is due.
        start: The progress to continue from.
    """
    kept: dict[int, dict[int, FoldOutcome]] = {horizon: {} for horizon in training.horizons}
    if start:
        kept = {horizon: dict(folds) for horizon, folds in start.kept.items()}
    error = start.error if start else ""
    metric = find_metric(training.metric)
    if start and start.scores:
        stop = report(Report(start.fold, start.state.history[-1], start.scores))
        if stop is Stop.PAUSE:
            return Scored(paused=start)
        if stop is Stop.PRUNE:
            return Scored(pruned=training.outcome(kept[max(kept)]))
    for number, fold in enumerate(training.folds, start=1):
        if start and number < start.fold:
            continue
        state = start.state if start and number == start.fold else None
        history = state.history if state else ()
        seed, longest = derive_seed(training.seed, number), max(kept)
        epochs = fit(
            network, fold, seed, longest, start=state, with_answers=metric.of_probabilities
        )
        for epoch, evaluation in epochs:
            history = (*history, epoch)
            now, fault = None, epoch.diverged
            if not fault and training.scores_after(epoch.epoch):
                now, fault = _score(network, metric, evaluation, history)
            if fault:
                error = f"{fault} of fold {number}"
                kept = {at: folds for at, folds in kept.items() if at < epoch.epoch}
                break
            scores: tuple[float, ...] = ()
            if now is not None:
                for horizon, outcomes in kept.items():
                    if epoch.epoch <= horizon:
                        outcomes[number] = training.better(outcomes.get(number), now)
                scores = training.scores(kept[longest], now, longest)
            stop = report(Report(number, epoch, scores))
            if stop is Stop.PRUNE and now is not None and scores:
                return Scored(pruned=training.outcome({**kept[longest], number: now}))
            pausing = stop is Stop.PAUSE and scores
            if pausing or (keeper is not None and keeper.due()):
                state = FitState(history, network.state())
                progress = Progress(number, state, kept, error, scores)
                if pausing:
                    return Scored(paused=progress)
                if keeper is not None:
                    keeper.keep(progress)
        if not kept:
            break
    return Scored({at: training.outcome(folds) for at, folds in kept.items()}, error)


def _score(
    network: Network, metric: Metric, evaluation: Evaluation | None, history: tuple[Epoch, ...]
) -> tuple[FoldOutcome | None, str]:
    """The outcome after the last epoch of a history; or None, and why there is none."""
    if evaluation is None:
        raise ValueError("a fold without validation images cannot be scored")
    epoch = history[-1].epoch
    try:
        score = metric.of(evaluation)
    except FmsearchError as error:
        log.info("the metric failed", exc_info=error.__cause__)
        return None, f"{error} in epoch {epoch}"
    outcome = FoldOutcome(
        history, epoch, evaluation.confusion, network.weights(), score, evaluation.right
    )
    return outcome, ""
