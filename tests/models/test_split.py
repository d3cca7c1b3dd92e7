"""The split of the training images."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import KFold

from fmsearch.errors import FmsearchError
from fmsearch.models.data import load_training
from fmsearch.models.split import Folding, cut_folds, split_rows


@pytest.fixture(scope="module")
def labels(images: Path) -> np.ndarray:
    return load_training(str(images)).labels


def test_the_parts_are_disjoint_complete_and_balanced(labels: np.ndarray) -> None:
    split = split_rows(labels)
    assert (len(split.train), len(split.validation), len(split.gate)) == (1800, 400, 200)
    together = np.concatenate([split.train, split.validation, split.gate])
    assert sorted(together) == list(range(2400))
    assert np.bincount(labels[split.train]).tolist() == [180] * 10


def test_the_split_is_the_same_every_time(labels: np.ndarray) -> None:
    np.testing.assert_array_equal(split_rows(labels).gate, split_rows(labels).gate)


def test_a_rehearsal_uses_only_so_many_images_of_the_same_parts(labels: np.ndarray) -> None:
    whole, small = split_rows(labels), split_rows(labels, use=400)
    assert len(small.train) + len(small.validation) + len(small.gate) == 400
    assert set(small.train) < set(whole.train)
    assert not set(small.validation) & set(whole.train)


@pytest.mark.parametrize("use", [0, 39, 2401])
def test_a_rehearsal_of_too_few_or_too_many_images_is_refused(labels: np.ndarray, use: int) -> None:
    with pytest.raises(FmsearchError, match=r"is not from 40 \(4 a class\) to 2400"):
        split_rows(labels, use)


@pytest.mark.parametrize("count", [3, 5, 7])
def test_folds_are_those_of_scikit_learns_kfold(count: int) -> None:
    rows = np.random.default_rng(0).permutation(100).astype(np.int32)
    folds = cut_folds(rows, Folding(count), np.zeros(100, np.int32))
    for fold, (train, test) in zip(folds, KFold(count).split(rows), strict=True):
        np.testing.assert_array_equal(fold.train, rows[train])
        np.testing.assert_array_equal(fold.validation, rows[test])
