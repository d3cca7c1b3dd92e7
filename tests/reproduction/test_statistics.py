"""The statistics of a reproduction's report."""

from __future__ import annotations

import math

import pytest

from fmsearch.search.reproduction.statistics import (
    p_of_difference,
    p_of_greater,
    p_over_folds,
    prediction_interval,
)
from fmsearch.search.reproduction.table import rows_of

from .made_outcomes import outcomes, trained


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
