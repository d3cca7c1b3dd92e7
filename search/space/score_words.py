"""In words: by what the candidates of a space are scored, and what a score came to."""

from __future__ import annotations

from collections.abc import Mapping

from ...models.metrics import ACCURACY, find_metric
from ...models.settings import Scoring
from .space import Space


def scored_by(space: Space) -> str:
    """For a cell of a table: `3 folds`, `validation` or, of another metric, `macro_f1, 3 folds`."""
    where = space.folding.words if _is_validated(space) else space.scoring.value
    return where if space.metric == ACCURACY else f"{space.metric}, {where}"


def scored_on(space: Space) -> str:
    """For a sentence: `accuracy on 3 folds`, `macro F1 on held out images`."""
    where = space.folding.words if _is_validated(space) else "held out images"
    return f"{metric_words(space)} on {where}"


def metric_words(space: Space) -> str:
    """What a score measures, for a sentence."""
    return find_metric(space.metric).words


def score_words(space: Space, score: float, metrics: Mapping[str, float]) -> str:
    """What a score came to, and what it is: `0.8843 ± 0.0010, accuracy on 3 folds`, or `0.9085,
    accuracy on held out images after epoch 7`."""
    spread = f" ± {metrics['score_std']:.4f}" if "score_std" in metrics else ""
    epoch = f" after epoch {metrics['best_epoch']:.0f}" if "best_epoch" in metrics else ""
    return f"{score:.4f}{spread}, {scored_on(space)}{epoch}"


def _is_validated(space: Space) -> bool:
    return space.scoring is Scoring.CROSS_VALIDATION
