"""When a study has found what it can: no gain for a while, and what there still may be to gain."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..trial import State, Trial, ranking


def since_gain(trials: Sequence[Trial], images: int) -> int:
    """The number of finished trials, by number, since the last one that was clearly the best.

    It was if its score exceeded the best before by more than its own standard error: that of a mean
    of folds, or of a share of validation images.

    Args:
        trials: All of a study. Failed ones and duplicates say nothing, and do not count.
        images: Number of validation images of a study without folds.
    """
    best, since = -math.inf, 0
    for trial in trials:
        if trial.state not in (State.COMPLETE, State.PRUNED) or trial.duplicate_of is not None:
            continue
        since += best > -math.inf
        if trial.score is not None and trial.score > best + _standard_error(trial, images):
            best, since = trial.score, 0
    return since


def _standard_error(trial: Trial, images: int) -> float:
    if folds := trial.fold_scores:
        return trial.metrics["score_std"] / math.sqrt(len(folds))
    score = min(max(trial.score or 0.0, 0.0), 1.0)
    return math.sqrt(score * (1 - score) / images)


def possible_gain(trials: Sequence[Trial]) -> float | None:
    """How much higher the best possible score of a study may be than the best so far.

    It is estimated by how far the best one is above the second best (Robson and Whitlock 1964,
    Biometrika 51, "Estimation of a truncation point"), which is meant for independent random
    trials, and is rough for those of a sampler that learns.

    Returns:
        None of fewer than two complete trials.
    """
    best = [trial.score for trial in ranking(trials)[:2]]
    if len(best) < 2 or best[0] is None or best[1] is None:
        return None
    return best[0] - best[1]
