"""The statistics of a reproduction's report."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from fmsearch.search.reproduction.catalogue import load_catalogue
from fmsearch.search.reproduction.outcomes import Outcomes, Searched
from fmsearch.search.reproduction.statistics import (
    p_of_difference,
    p_of_greater,
    p_over_folds,
    prediction_interval,
)
from fmsearch.search.reproduction.table import rows_of
from fmsearch.search.result import Result

NAMES = ("T-shirt/top", "Trouser", "Pullover", "Shirt")
GOOD = ((80, 0, 5, 15), (0, 99, 1, 0), (5, 0, 85, 10), (18, 0, 12, 70))
CATALOGUE = load_catalogue()


def trained(
    accuracies: Sequence[float], gap: float = 0.05, confusion: tuple[tuple[int, ...], ...] = GOOD
) -> tuple[Result, ...]:
    """Results with these test accuracies."""
    return tuple(
        Result(
            settings={},
            seed=0,
            metrics={"test_accuracy": one, "test_loss": 0.3, "fit_accuracy": one**2 + gap},
            history=(),
            confusion=confusion,
            parameters=1000,
            fit_seconds=(1.0,),
            score_seconds=(1.0,),
            started_at=0,
            finished_at=0,
        )
        for one in accuracies
    )


def outcomes(searched: Sequence[Searched] = (), **results: tuple[Result, ...]) -> Outcomes:
    done = [*results, *(["mlp_grid_2"] if searched else [])]
    return Outcomes(
        catalogue=CATALOGUE,
        experiments=CATALOGUE.select(done),
        trained=results,
        searched={"mlp_grid_2": searched} if searched else {},
        chosen={},
        class_names=NAMES,
        rehearsal="",
    )


def test_a_prediction_interval_is_that_of_one_more_value() -> None:
    # mean 2, s 1, n 3; t(0.975, 2) = 4.3027 in any table: 2 -+ 4.3027 * sqrt(4/3)
    assert prediction_interval([1.0, 2.0, 3.0]) == pytest.approx((-2.9683, 6.9683), abs=1e-4)


def test_one_value_has_no_prediction_interval() -> None:
    assert prediction_interval([1.0]) is None


def test_a_difference_is_held_against_the_spread_of_two_runs() -> None:
    # Pooled s = 1 with 4 degrees of freedom; t = 2.7764 * sqrt(2) / sqrt(2): two-sided p = 0.05
    samples = [1.0, 2.0, 3.0], [11.0, 12.0, 13.0]
    assert p_of_difference(2.7764 * math.sqrt(2), *samples) == pytest.approx(0.05, abs=1e-4)


def test_p_of_greater_is_small_where_the_first_is_greater() -> None:
    assert p_of_greater([3.0, 3.1, 3.2], [1.0, 1.1, 1.2]) < 0.001
    assert p_of_greater([1.0, 1.1, 1.2], [3.0, 3.1, 3.2]) > 0.999
    assert math.isnan(p_of_greater([1.0], [3.0, 3.1]))


def test_folds_that_share_images_count_for_less() -> None:
    # Mean 1, s² 0.8, variance of the mean 0.8 * (1/6 + 1/2) = 0.5333: t = 1.3693, by tables of
    # t with 5 degrees of freedom p = 0.2292. Independent differences would have t = 2.7386.
    differences = [0.0, 0.0, 1.0, 1.0, 2.0, 2.0]
    assert p_over_folds(differences, 3) == pytest.approx(0.2292, abs=1e-4)


def test_what_was_published_is_inside_or_near_or_neither() -> None:
    near, inside, neither = (
        trained(values) for values in ((0.880, 0.881, 0.8805), (0.86, 0.90), (0.80, 0.801))
    )
    rows = rows_of(outcomes(mlp_1=near, mlp_grid_refit=inside, mlp_grid_2_refit=neither))
    assert [row.agrees for row in rows] == [
        "yes, within 0.010",
        "yes, within the interval",
        "no, by 0.0851",
    ]
