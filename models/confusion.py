"""Confusion matrices, and the classification report that follows from one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Confusion = Sequence[Sequence[int]]
"""Counts; rows are true classes, columns predicted ones."""
SUMMARIES = frozenset({"accuracy", "macro avg", "weighted avg"})
"""What scikit-learn's report says of all classes, under these names."""


def classification_report(confusion: Confusion, class_names: Sequence[str]) -> dict[str, Any]:
    """scikit-learn's report (precision, recall, F1, support of each class) as a dictionary.

    Its keys are the names of the classes; where two have one name, or one has the name of a
    summary, all names have the number of their class before them: `0: cat`.
    """
    from sklearn import metrics

    counts = np.asarray(confusion)
    classes = np.arange(len(counts))
    # Only counts are known, so each cell is one sample with its count as weight.
    true, predicted = np.repeat(classes, len(classes)), np.tile(classes, len(classes))
    report: dict[str, Any] = metrics.classification_report(
        true,
        predicted,
        labels=classes,
        target_names=_keys(class_names),
        sample_weight=counts.ravel(),
        output_dict=True,
        zero_division=0.0,
    )
    return report


def accuracy_of(confusion: npt.NDArray[np.int64]) -> float:
    """The share of the counts that are of the true class."""
    return float(np.trace(confusion) / confusion.sum())


def accuracy_interval(right: int, images: int) -> tuple[float, float]:
    """The 95 % interval of an accuracy, by Wilson's score."""
    from scipy.stats import binomtest  # 0.5 s of CPU: not for --help

    interval = binomtest(right, images).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def _keys(class_names: Sequence[str]) -> list[str]:
    if len({*class_names, *SUMMARIES}) == len(class_names) + len(SUMMARIES):
        return list(class_names)
    return [f"{number}: {name}" for number, name in enumerate(class_names)]
