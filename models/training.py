"""One fit: epochs of training, each followed by an evaluation, from any saved state."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .split import Fold

if TYPE_CHECKING:
    from .network import Evaluation, Network, Variables

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """Measurements of one epoch of a fit.

    Attributes:
        epoch: Counted from 1.
        train_loss, val_loss: Mean categorical cross-entropy, in nats; `val_…` is None where
            the fit has no validation images.
        train_accuracy, val_accuracy: Shares in [0, 1].
        measured_at: Milliseconds since 1970, UTC.
        seconds: Duration of the epoch, evaluation included.
        score_seconds: Duration of its evaluation.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    val_loss: float | None
    val_accuracy: float | None
    measured_at: int
    seconds: float
    score_seconds: float

    @property
    def diverged(self) -> str:
        """Why no score is possible from here on: a loss that is not finite; else empty."""
        for loss in (self.train_loss, self.val_loss):
            if loss is not None and not math.isfinite(loss):
                return f"the loss is {loss} in epoch {self.epoch}"
        return ""


@dataclass(frozen=True)
class FitState:
    """All that is needed to continue a fit after an epoch as if it had never stopped."""

    history: tuple[Epoch, ...]
    variables: Variables


def fit(
    network: Network,
    fold: Fold,
    seed: int,
    epochs: int,
    *,
    start: FitState | None = None,
    with_answers: bool = False,
) -> Iterator[tuple[Epoch, Evaluation | None]]:
    """Train for `epochs` epochs in all, evaluating after each.

    The results depend on the arguments alone. After each epoch `network` has the state of that
    epoch, so that a caller can copy weights or save a `FitState`.

    Args:
        network: Its state is overwritten.
        fold: Rows to train on, and rows to evaluate on; without the latter nothing is evaluated.
        seed: In [0, 2**31); determines initial weights, the order of images and dropout.
        start: The state to continue from; None for new weights.
        with_answers: Whether the evaluations have probabilities.

    Yields:
        Each new epoch with its evaluation.
    """
    if start is None:
        network.initialize(seed, fold.train, epochs)
    else:
        network.restore(start.variables)
    done = len(start.history) if start else 0
    for number in range(done + 1, epochs + 1):
        log.info("training, epoch %s of %s", number, epochs)
        begin = time.perf_counter()
        train_loss, train_accuracy = network.train_epoch(fold.train, seed, number)
        trained = time.perf_counter()
        log.info("evaluating, epoch %s of %s", number, epochs)
        evaluation = None
        if len(fold.validation):
            evaluation = network.evaluate(fold.validation, with_answers=with_answers)
        scored = time.perf_counter()
        yield (
            Epoch(
                epoch=number,
                train_loss=train_loss,
                train_accuracy=train_accuracy,
                val_loss=evaluation.loss if evaluation else None,
                val_accuracy=evaluation.accuracy if evaluation else None,
                measured_at=time.time_ns() // 1_000_000,
                seconds=scored - begin,
                score_seconds=scored - trained,
            ),
            evaluation,
        )
