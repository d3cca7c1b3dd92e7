"""Statistics of a few seeds: means, spreads, prediction intervals and tests."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

SHARE = 0.95


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean."""
    return float(np.mean(values))


def spread(values: Sequence[float]) -> float:
    """Standard deviation of a sample (with n - 1); nan for a single value."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else math.nan


def prediction_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """The interval in which one more value of a normal distribution lies with 95 % probability.

    mean ± t(0.975, n - 1) · s · sqrt(1 + 1/n). None for a single value, which has no spread.
    """
    from scipy import stats

    n = len(values)
    if n < 2:
        return None
    reach = float(stats.t.ppf((1 + SHARE) / 2, n - 1)) * spread(values) * math.sqrt(1 + 1 / n)
    return mean(values) - reach, mean(values) + reach


def p_of_difference(difference: float, *samples: Sequence[float]) -> float:
    """Probability that two runs differ by at least `difference`, from the samples' pooled spread.

    Student's t of difference / (s · sqrt(2)), two-sided. nan if all samples have one value.
    """
    from scipy import stats

    freedom = sum(len(one) - 1 for one in samples)
    if freedom < 1:
        return math.nan
    squares = sum((len(one) - 1) * spread(one) ** 2 for one in samples if len(one) > 1)
    pooled = math.sqrt(squares / freedom)
    if pooled == 0:
        return 0.0 if difference else 1.0
    return float(2 * stats.t.sf(abs(difference) / (pooled * math.sqrt(2)), freedom))


def p_of_greater(high: Sequence[float], low: Sequence[float]) -> float:
    """p of Welch's t test, one-sided: the first mean is greater. nan for samples of one value."""
    from scipy import stats

    if min(len(high), len(low)) < 2 or spread(high) + spread(low) == 0:
        return math.nan
    return float(stats.ttest_ind(high, low, equal_var=False, alternative="greater").pvalue)


def p_over_folds(differences: Sequence[float], folds: int) -> float:
    """p of the corrected resampled t test (Nadeau & Bengio 2003) of paired differences over folds.

    Folds share training images, so that their differences are not independent: the variance of
    the mean is s² · (1/n + 1/(folds - 1)); the last term is the ratio of test to training images.
    Two-sided; nan for fewer than two differences.
    """
    from scipy import stats

    n = len(differences)
    if n < 2:
        return math.nan
    variance = spread(differences) ** 2 * (1 / n + 1 / (folds - 1))
    if variance == 0:
        return 0.0 if mean(differences) else 1.0
    return float(2 * stats.t.sf(abs(mean(differences)) / math.sqrt(variance), n - 1))
