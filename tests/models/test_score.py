"""What folds are scored by: the median one, the mean and its deviation."""

import numpy as np
import pytest

from fmsearch.models.score import FoldOutcome, Outcome
from fmsearch.models.settings import Scoring


def fold_of_ten(correct: int) -> FoldOutcome:
    return FoldOutcome((), 1, np.array([[correct, 10 - correct], [0, 0]]), (), correct / 10)


def test_the_median_fold_of_an_even_number_is_the_lower_one_and_the_first_of_equals() -> None:
    best, low, good, also_low = (fold_of_ten(correct) for correct in (9, 5, 7, 5))

    def median(*folds: FoldOutcome) -> FoldOutcome:
        return Outcome(Scoring.CROSS_VALIDATION, folds).median_fold

    assert median(best, low, good) is good
    assert median(best, low) is low
    assert median(best, low, good, also_low) is also_low
    assert median(low, also_low) is low
    assert median(also_low, low) is also_low


def test_cross_validation_logs_the_mean_its_deviation_and_each_fold() -> None:
    folds = tuple(fold_of_ten(correct) for correct in (9, 5, 7))
    outcome = Outcome(Scoring.CROSS_VALIDATION, folds)
    assert outcome.confusion.tolist() == [[21, 9], [0, 0]]
    # The mean and the deviation are rounded in their last bits.
    assert outcome.metrics == pytest.approx(
        {
            "score": 0.7,
            "score_std": (0.08 / 3) ** 0.5,
            "fold_1_score": 0.9,
            "fold_2_score": 0.5,
            "fold_3_score": 0.7,
        }
    )
