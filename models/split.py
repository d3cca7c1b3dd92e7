"""The split of the training images into those to train on and those to score on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import FmsearchError

Rows = npt.NDArray[np.int32]

SPLIT_SEED = 0
"""One split for every study of a data set, so that their scores can be compared."""


@dataclass(frozen=True)
class Split:
    """Row numbers of the training images, int32, each part in random order.

    Attributes:
        train: 75 % of the rows: trained on, or cut into folds.
        validation: Two thirds of the rest, on which hold-out trials are scored.
        gate: The last third, on which no trial is scored: a new champion is compared with the old
            one on it.
    """

    train: Rows
    validation: Rows
    gate: Rows


@dataclass(frozen=True)
class Fold:
    """Rows to train on and rows to score on, which do not overlap."""

    train: Rows
    validation: Rows


def split_rows(labels: npt.NDArray[np.int32], use: int | None = None) -> Split:
    """Split training rows 75 % / 25 % as published, by scikit-learn's `train_test_split`.

    The seed (`SPLIT_SEED`) and stratification by class are chosen here; they were not published.

    Args:
        labels: int32, (n,), of all training images.
        use: Number of images to use, for a rehearsal; None for all.

    Raises:
        FmsearchError: `use` is more than all images, or fewer than 4 for each class.
    """
    from sklearn.model_selection import train_test_split  # 1.3 s of CPU: not for --help

    fewest = 4 * len(np.unique(labels))
    if use is None:
        use = len(labels)
    elif not fewest <= use <= len(labels):
        raise FmsearchError(
            f"--train-images {use} is not from {fewest} (4 a class) to {len(labels)} (all)"
        )
    train, rest = train_test_split(
        np.arange(len(labels), dtype=np.int32),
        test_size=0.25,
        random_state=SPLIT_SEED,
        stratify=labels,
    )
    # Both parts are shuffled, so that their first rows are a random sample.
    train, rest = train[: use - use // 4], rest[: use // 4]
    held = len(rest) - len(rest) // 3
    return Split(train, rest[:held], rest[held:])


def cut_folds(rows: Rows, folds: int) -> tuple[Fold, ...]:
    """Unshuffled folds of consecutive rows, as scikit-learn's `KFold(folds)` cuts them."""
    parts = np.array_split(rows, folds)
    return tuple(
        Fold(np.concatenate(parts[:out] + parts[out + 1 :]), parts[out]) for out in range(folds)
    )
