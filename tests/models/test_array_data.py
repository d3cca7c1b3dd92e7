"""Arrays and datasets of TensorFlow's become data files: once, under their hash."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fmsearch.errors import FmsearchError
from fmsearch.models.array_data import write_arrays
from fmsearch.models.data import describe, load_training

X = np.random.default_rng(0).integers(0, 256, (12, 4, 4), np.uint8)
Y = np.tile([0, 1, 2], 4)
PAIRS = ((X, Y), (X[:3], Y[:3]))
MAPPING = {"x_train": X, "y_train": Y, "x_test": X[:3], "y_test": Y[:3]}


def dataset(*arrays: Any, batch: int = 0) -> tf.data.Dataset:
    made = tf.data.Dataset.from_tensor_slices(arrays)
    return made.batch(batch) if batch else made


Made = Callable[[], Any]
"""Datasets are made in tests: TensorFlow is set up before."""
EQUAL: dict[str, Made] = {
    "a mapping": lambda: MAPPING,
    "a dataset, one by one": lambda: (dataset(X, Y), dataset(X[:3], Y[:3])),
    "a dataset in batches": lambda: (dataset(X, Y, batch=5), dataset(X[:3], Y[:3], batch=5)),
}


@pytest.mark.parametrize("data", EQUAL.values(), ids=EQUAL)
def test_equal_data_are_one_file(tmp_path: Path, data: Made) -> None:
    first = write_arrays(PAIRS, tmp_path)
    written = first.stat().st_mtime_ns
    assert write_arrays(data(), tmp_path) == first
    assert first.stat().st_mtime_ns == written
    assert np.array_equal(load_training(str(first)).pixels, X)
    assert list(tmp_path.iterdir()) == [first]


def test_other_images_or_names_are_another_file(tmp_path: Path) -> None:
    first = write_arrays(PAIRS, tmp_path)
    other = write_arrays(((X[::-1], Y), PAIRS[1]), tmp_path)
    named = write_arrays({**MAPPING, "class_names": ["a", "b", "c"]}, tmp_path)
    assert len({first, other, named}) == 3
    assert describe(str(named)).class_names == ("a", "b", "c")
    assert describe(str(named)).sha256 == describe(str(first)).sha256 != describe(str(other)).sha256


BAD: dict[str, tuple[Made, str]] = {
    "a number": (lambda: 3, "data is a int; give a name, a file, a mapping with x_train"),
    "one part": (lambda: (X, Y), r"the train part of data is a ndarray; it must be \(images"),
    "three parts": (lambda: PAIRS + PAIRS[:1], "data is a tuple; give a name"),
    "no test part": (lambda: {"x_train": X, "y_train": Y}, "data has no x_test and no y_test"),
    "objects": (lambda: ((X.astype(object), Y), PAIRS[1]), "x_train has objects; give an array"),
    "uneven lists": (lambda: (([[[1, 2], [3]]], Y), PAIRS[1]), "x_train is no array"),
    "text": (lambda: (("abc", Y), PAIRS[1]), "x_train"),
    "flat images": (lambda: ((X.reshape(12, 16), Y), PAIRS[1]), "x_train"),
    "negative images": (lambda: ((X.astype(int) - 99, Y), PAIRS[1]), "x_train"),
    "one label too few": (lambda: ((X, Y[1:]), PAIRS[1]), "x_train has 12 images, y_train 11"),
    "one class": (lambda: ((X, Y * 0), PAIRS[1]), "all training images have one label"),
    "too few names": (lambda: {**MAPPING, "class_names": ["a"]}, "class_names"),
    "an endless dataset": (lambda: (dataset(X, Y).repeat(), PAIRS[1]), "never ends; give it"),
    "an empty dataset": (lambda: (dataset(X[:0], Y[:0]), PAIRS[1]), "part of data has no images"),
    "a dataset of images": (lambda: (dataset(X), PAIRS[1]), r"must give \(image, label\)"),
}


@pytest.mark.parametrize(("data", "refusal"), BAD.values(), ids=BAD)
def test_wrong_arrays_are_one_line_and_leave_nothing(
    tmp_path: Path, data: Made, refusal: str
) -> None:
    with pytest.raises(FmsearchError, match=refusal) as raised:
        write_arrays(data(), tmp_path)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 300
    assert list(tmp_path.iterdir()) == []
