"""Claims: statements of the publication, each checked with a statistic."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .catalogue import Experiment
from .outcomes import Outcomes
from .statistics import mean, p_of_difference, p_of_greater, p_over_folds, spread

LEVEL = 0.05
MOST_MOVED = 0.004
"""Published: other networks and batch sizes never moved the accuracy by more than 0.4 %."""
NETWORKS = ("cnn_1", "cnn_2", "cnn_3", "cnn_4")


@dataclass(frozen=True)
class Claim:
    """One claim and its check.

    Attributes:
        text: The claim or question.
        verdict: One or a few words.
        evidence: The statistic, with its name and numbers.
    """

    text: str
    verdict: str
    evidence: str


def check_claims(outcomes: Outcomes) -> list[Claim]:
    """All claims whose experiments were done."""
    return [claim for check in _CHECKS for claim in check(outcomes)]


def _twins(outcomes: Outcomes) -> Iterator[Claim]:
    """mlp_1 and mlp_2 are the same network; only their metric has two names."""
    first, second = outcomes.accuracies("mlp_1"), outcomes.accuracies("mlp_2")
    known = [outcomes.catalogue[one].published.test_accuracy or 0.0 for one in ("mlp_1", "mlp_2")]
    if not first or not second:
        return
    published = abs(known[0] - known[1])
    p = p_of_difference(published, first, second)
    yield Claim(
        f"mlp_1 and mlp_2 differ by {published:.4f}: more than seeds make?",
        _word(p < LEVEL, p, "yes", "no"),
        f"spread between seeds {spread([*first, *second]):.4f}; two runs differ so much with "
        f"{_p(p)} (Student's t, pooled over {len(first)} + {len(second)} runs); "
        f"our means differ by {abs(mean(first) - mean(second)):.4f}",
    )


def _winners(outcomes: Outcomes) -> Iterator[Claim]:
    """Whether a grid's published winner is the best again, and how many points equal the best."""
    for experiment in outcomes.experiments:
        searches = outcomes.searched.get(experiment.id)
        if not searches:
            continue
        points = [dict(trial.parameters) for trial in searches[0].trials]
        # scores[point, seed, fold]: every seed scores the same points on the same folds.
        scores = np.array([[t.fold_scores for t in one.trials] for one in searches])
        scores = scores.transpose(1, 0, 2)
        means = scores.mean(axis=(1, 2))
        best, winner = int(np.argmax(means)), points.index(dict(experiment.winner))
        rank = 1 + int(np.sum(means > means[winner]))
        folds = scores.shape[2]
        equals = sum(
            not p_over_folds(list((scores[best] - one).ravel()), folds) < LEVEL for one in scores
        )
        ranks = ", ".join(str(one.rank(experiment.winner)) for one in searches)
        values = ", ".join(f"{name} {value}" for name, value in points[best].items())
        yield Claim(
            f"{experiment.id}: the published winner is the best point",
            "yes" if rank == 1 else f"no: rank {rank} of {len(points)}",
            f"mean over seeds and folds {means[winner]:.4f}, best {means[best]:.4f} ({values}); "
            f"ranks by seed: {ranks}; {equals} of {len(points)} points are not distinguishable "
            f"from the best (corrected resampled t test, paired over {scores[0].size} folds, "
            f"p ≥ {LEVEL:g})",
        )


def _refits(outcomes: Outcomes) -> Iterator[Claim]:
    """The winner, trained on all images, compared with its score in the grid."""
    for grid in outcomes.experiments:
        refit = outcomes.catalogue.find(f"{grid.id}_refit") if grid.is_grid else None
        ours = outcomes.accuracies(refit.id) if refit else []
        searches = outcomes.searched.get(grid.id, ())
        if refit is None or not ours or not searches:
            continue
        scores = [
            trial.score or 0.0
            for one in searches
            for trial in one.trials
            if dict(trial.parameters) == dict(grid.winner)
        ]
        published = (refit.published.test_accuracy or 0.0) - (grid.published.score or 0.0)
        gain = mean(ours) - mean(scores)
        yield Claim(
            f"{refit.id}: its test accuracy is {published:+.4f} from its grid's score",
            "same sign" if gain * published > 0 else "other sign",
            f"ours {gain:+.4f}: {mean(ours):.4f} on test images (n = {len(ours)}) against "
            f"{mean(scores):.4f} over folds (n = {len(scores)})",
        )


def _order(outcomes: Outcomes) -> Iterator[Claim]:
    """cnn_2 < cnn_3 < cnn_4 in test accuracy."""
    for low, high in pairwise(NETWORKS[1:]):
        ours = outcomes.accuracies(low), outcomes.accuracies(high)
        if not all(ours):
            continue
        p = p_of_greater(ours[1], ours[0])
        better = mean(ours[1]) > mean(ours[0])
        yield Claim(
            f"{high} is better than {low}",
            _word(better and p < LEVEL, p, "yes", "not distinguishable" if p >= LEVEL else "no"),
            f"{mean(ours[1]):.4f} against {mean(ours[0]):.4f}, {_p(p)} "
            f"(Welch's t, one-sided, n = {len(ours[1])} and {len(ours[0])})",
        )


def _overfitting(outcomes: Outcomes) -> Iterator[Claim]:
    """The gap between training and test accuracy falls from cnn_1 to cnn_4."""
    for more, less in pairwise(NETWORKS):
        ours = outcomes.gaps(more), outcomes.gaps(less)
        if not all(ours):
            continue
        p = p_of_greater(ours[0], ours[1])
        smaller = mean(ours[1]) < mean(ours[0])
        yield Claim(
            f"{less} overfits less than {more}",
            _word(smaller and p < LEVEL, p, "yes", "not distinguishable" if smaller else "no"),
            f"training less test accuracy, both without dropout: {mean(ours[1]):.4f} against "
            f"{mean(ours[0]):.4f}, {_p(p)} (Welch's t, one-sided, n = {len(ours[1])} and "
            f"{len(ours[0])})",
        )


def _classes(outcomes: Outcomes) -> Iterator[Claim]:
    """Trouser is classified best; Shirt is mistaken for T-shirt/top and Pullover."""
    names = list(outcomes.class_names)
    matrices = [np.array(one.confusion) for many in outcomes.trained.values() for one in many]
    if not matrices or not {"Trouser", "Shirt", "T-shirt/top", "Pullover"} <= {*names}:
        return
    sums = [(np.diag(one), one.sum(axis=1), one.sum(axis=0)) for one in matrices]
    measures = {
        "F1": [2 * right / np.maximum(true + said, 1) for right, true, said in sums],
        "recall": [right / np.maximum(true, 1) for right, true, _ in sums],
    }
    best = {name: [names[int(np.argmax(one))] for one in many] for name, many in measures.items()}
    yield Claim(
        "Trouser is classified best",
        _of(best["F1"].count("Trouser"), len(matrices)),
        "; ".join(
            f"highest {name} in {_of(best[name].count('Trouser'), len(matrices))} final models, "
            f"mean {float(np.mean(many, axis=0)[names.index('Trouser')]):.4f}, next best "
            f"{_next_best(names, many)}"
            for name, many in measures.items()
        ),
    )
    shirt = names.index("Shirt")
    mistaken = []
    for one in matrices:
        row = one[shirt].copy()
        row[shirt] = 0
        mistaken.append({names[i] for i in np.argsort(row)[-2:]})
    agreed = mistaken.count({"T-shirt/top", "Pullover"})
    pooled = np.sum([one[shirt] for one in matrices], axis=0)
    shares = ", ".join(
        f"{names[i]} {pooled[i] / pooled.sum():.1%}" for i in np.argsort(-pooled) if i != shirt
    )
    yield Claim(
        "Shirt is most often mistaken for T-shirt/top and Pullover",
        _of(agreed, len(matrices)),
        f"they are the two most frequent mistakes in {_of(agreed, len(matrices))} final models; "
        f"of all test shirts: {shares}",
    )


def _next_best(names: Sequence[str], values: Sequence[np.ndarray]) -> str:
    means = np.mean(values, axis=0)
    order = [i for i in np.argsort(-means) if names[i] != "Trouser"]
    return f"{names[order[0]]} {means[order[0]]:.4f}"


def _others(outcomes: Outcomes) -> Iterator[Claim]:
    """Simpler networks and other batch sizes never move the accuracy by more than 0.4 %."""
    base = outcomes.accuracies("cnn_4")
    others = {one.id: outcomes.accuracies(one.id) for one in _like(outcomes, "cnn_4")}
    others = {name: values for name, values in others.items() if values}
    if not base or not others:
        return
    moved = {name: mean(values) - mean(base) for name, values in others.items()}
    furthest = max(moved.values(), key=abs)
    parts = ", ".join(f"{name} {by:+.4f}" for name, by in moved.items())
    yield Claim(
        "other batch sizes and simpler networks never move the accuracy by more than 0.4 %",
        "yes" if abs(furthest) <= MOST_MOVED else "no",
        f"means over seeds, from cnn_4's {mean(base):.4f} (spread {spread(base):.4f}): {parts}",
    )


def _like(outcomes: Outcomes, origin: str) -> list[Experiment]:
    return [one for one in outcomes.experiments if one.like == origin]


def _of(count: int, all_of: int) -> str:
    return f"{count} of {all_of}"


def _p(p: float) -> str:
    return "p unknown with one seed" if math.isnan(p) else f"p = {p:.2g}"


def _word(holds: bool, p: float, yes: str, no: str) -> str:
    if math.isnan(p):
        return "one seed cannot say"
    return yes if holds else no


_CHECKS: tuple[Callable[[Outcomes], Iterator[Claim]], ...] = (
    _twins,
    _winners,
    _refits,
    _order,
    _overfitting,
    _classes,
    _others,
)
