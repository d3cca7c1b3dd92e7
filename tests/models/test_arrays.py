"""Arrays as people have them: what they become, what is said of it, what is refused."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmsearch.errors import FmsearchError
from fmsearch.models.data import describe, load_parts, load_test, load_training
from fmsearch.models.readers.hold_out import HOLD_OUT

from .test_data import write_npz

BYTES = (np.arange(20 * 6 * 7) % 256).astype(np.uint8).reshape(20, 6, 7)
TEST = BYTES[:4]


def said_of(path: Path) -> tuple[str, ...]:
    return describe(str(path)).conversions


def write(path: Path, pixels: Any, test: Any) -> Path:
    return write_npz(path, x_train=pixels, x_test=test)


KINDS: dict[str, tuple[Any, str]] = {
    "0 to 1": (lambda x: x / 255, "numbers from 0 to 1 became 0 to 255"),
    "float32": (lambda x: (x / 255).astype("f4"), "numbers from 0 to 1 became 0 to 255"),
    "0 to 255": (lambda x: x * 1.0, "numbers with a point, from 0 to 255, were rounded"),
    "int64": (lambda x: x.astype(int), "whole numbers from 0 to 255 became bytes"),
    "16 bits": (lambda x: x.astype("u2") * 257, "16 bits became 8"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_of_any_kind_become_the_same_bytes(tmp_path: Path, kind: str) -> None:
    make, told = KINDS[kind]
    file = write(tmp_path / "mine.npz", make(BYTES), make(TEST))
    assert np.array_equal(load_training(str(file)).pixels, BYTES)
    assert said_of(file) == (told,)
    plain = describe(str(write(tmp_path / "plain.npz", BYTES, TEST)))
    assert (plain.sha256, plain.conversions) == (describe(str(file)).sha256, ())


def test_true_and_false_become_white_and_black(tmp_path: Path) -> None:
    file = write(tmp_path / "mine.npz", BYTES > 100, TEST > 100)
    assert np.array_equal(load_training(str(file)).pixels, (BYTES > 100) * np.uint8(255))
    assert said_of(file) == ("false and true became 0 and 255",)


def test_channels_in_front_are_moved_behind(tmp_path: Path) -> None:
    front = np.stack([BYTES, BYTES[::-1], BYTES], axis=1)
    file = write(tmp_path / "mine.npz", front, front[:4])
    assert np.array_equal(load_training(str(file)).pixels, np.moveaxis(front, 1, -1))
    assert said_of(file) == ("channels were moved from the front, (n, 3, 6, 7), to the end",)


UNCLEAR: dict[str, tuple[Any, str]] = {
    "two places of channels": (np.zeros((20, 3, 9, 3), np.uint8), "3 channels behind, or of 9 x 3"),
    "12 bits or dark": (np.full((20, 6, 7), 4095, "u2"), "either 12 bits (0 to 4095), or 16 bits"),
    "black and white or black": (np.ones((20, 6, 7), int), "either black and white, or 0 to 255"),
    "0 to 1 or black": (np.full((20, 6, 7), 1.5), "which is either 0 to 1 with some values above"),
    "standardized": (BYTES / 100 - 1, "images have no values below 0"),
    "more than bytes": (BYTES * 2.0, "neither 0 to 1 nor 0 to 255"),
    "32 bits": (np.full((20, 6, 7), 70_000), "more than 16 bits"),
    "nan": (np.where(BYTES == 9, np.nan, 0.5), "4 values that are nan or infinite"),
    "infinite": (np.where(BYTES == 9, np.inf, 0.5), "4 values that are nan or infinite"),
    "text": (np.full((20, 6, 7), "a"), "images are numbers"),
}


@pytest.mark.parametrize("kind", UNCLEAR)
def test_what_could_be_two_things_is_refused_with_both(tmp_path: Path, kind: str) -> None:
    pixels, expected = UNCLEAR[kind]
    with pytest.raises(FmsearchError) as caught:
        load_training(str(write(tmp_path / "mine.npz", pixels, pixels[:4])))
    assert expected in str(caught.value)


def test_the_brightest_test_image_tells_the_scale_of_all(tmp_path: Path) -> None:
    file = write(tmp_path / "mine.npz", np.ones((20, 6, 7)), np.full((4, 6, 7), 200.0))
    assert load_training(str(file)).pixels.max() == 1


TEN = np.repeat([0, 1], 10)
FOUR = np.array([0, 1, 0, 1])
WORDS = np.array(["cat", "dog"])
LABELS: dict[str, tuple[Any, tuple[str, ...], str]] = {
    "a column": (lambda y: y[:, None], ("0", "1"), "labels of shape (n, 1) became (n,)"),
    "one-hot": (lambda y: np.eye(2)[y], ("0", "1"), "one-hot labels became numbers of classes"),
    "texts": (lambda y: WORDS[y], ("cat", "dog"), "labels are texts, of 2 classes"),
    "bytes": (lambda y: WORDS.astype("S")[y], ("cat", "dog"), "labels are texts, of 2 classes"),
    "gaps": (lambda y: y * 5 + 3, ("3", "8"), "2 labels from 3 to 8 became 0 to 1"),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_any_kind_become_classes_from_0(tmp_path: Path, kind: str) -> None:
    make, names, told = LABELS[kind]
    file = write_npz(tmp_path / "mine.npz", y_train=make(TEN), y_test=make(FOUR))
    found = describe(str(file))
    assert (found.class_names, found.conversions) == (names, (told,))
    assert np.array_equal(load_training(str(file)).labels, TEN)
    assert np.array_equal(load_test(str(file)).labels, FOUR)


def test_names_of_classes_go_in_their_own_order(tmp_path: Path) -> None:
    order = np.array(["dog", "cat"])
    changes = {"y_train": WORDS[TEN], "y_test": WORDS[FOUR], "classes": order}
    file = write_npz(tmp_path / "mine.npz", **changes)
    assert describe(str(file)).class_names == ("dog", "cat")
    assert np.array_equal(load_training(str(file)).labels, 1 - TEN)
    gaps = write_npz(tmp_path / "gaps.npz", y_train=TEN * 7, y_test=FOUR * 7, classes=order)
    assert describe(str(gaps)).class_names == ("dog", "cat")


def test_a_test_label_that_training_has_not_is_refused(tmp_path: Path) -> None:
    file = write_npz(tmp_path / "mine.npz", y_train=TEN * 7, y_test=FOUR * 8)
    with pytest.raises(FmsearchError, match="y_test has label 8, but y_train has not"):
        describe(str(file))


@pytest.mark.parametrize(
    "names", [("train_images", "train_labels", "test_images", "test_labels"), ("X", "y")]
)
def test_arrays_are_found_by_their_usual_names(tmp_path: Path, names: tuple[str, ...]) -> None:
    arrays = dict(zip(names, (BYTES, TEN, TEST, FOUR), strict=False))
    np.savez(tmp_path / "mine.npz", **arrays, val_images=BYTES)
    told = said_of(tmp_path / "mine.npz")
    assert told == ("not used: val_images", *([HOLD_OUT] if len(names) == 2 else []))


def test_two_sets_of_names_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", train_images=BYTES, train_labels=TEN, images=BYTES, labels=TEN)
    with pytest.raises(FmsearchError, match="has both train_images and train_labels and images"):
        describe(str(tmp_path / "mine.npz"))


def test_without_test_images_a_sixth_of_each_class_is_held_out(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (120, 4, 5), np.uint8)
    labels = np.repeat([0, 1], [90, 30])
    np.savez(tmp_path / "mine.npz", images=pixels, labels=labels)
    parts = load_parts(str(tmp_path / "mine.npz"))
    assert np.bincount(parts.test.labels).tolist() == [15, 5]
    assert np.bincount(parts.train.labels).tolist() == [75, 25]
    order = np.random.default_rng(1).permutation(120)
    np.savez(tmp_path / "other.npz", images=pixels[order], labels=labels[order])
    other = load_parts(str(tmp_path / "other.npz"))
    ours, theirs = ({one.tobytes() for one in p.test.pixels} for p in (parts, other))
    assert ours == theirs  # whatever the order of the images


def idx(array: np.ndarray) -> bytes:
    kinds = {"u1": 8, "i4": 12, "f4": 13}
    head = struct.pack(">HBB", 0, kinds[array.dtype.str[1:]], array.ndim)
    values = array.astype(array.dtype.newbyteorder(">")).tobytes()
    return head + struct.pack(f">{array.ndim}I", *array.shape) + values


@pytest.mark.parametrize("packed", [False, True])
def test_idx_files_are_read_packed_or_not(tmp_path: Path, packed: bool) -> None:
    for name, array in {
        "train-images-idx3-ubyte": BYTES,
        "train-labels-idx1-ubyte": (TEN + 1).astype("u1"),
        "t10k-images-idx3-ubyte": TEST,
        "t10k-labels-idx1-ubyte": (FOUR + 1).astype("i4"),
    }.items():
        content = idx(array)
        file = tmp_path / (f"{name}.gz" if packed else name)
        file.write_bytes(gzip.compress(content) if packed else content)
    found, parts = describe(str(tmp_path)), load_parts(str(tmp_path))
    assert found.conversions == ("2 labels from 1 to 2 became 0 to 1",)
    assert np.array_equal(parts.train.pixels, BYTES)
    assert np.array_equal(parts.test.labels, FOUR)
    (tmp_path / "emnist-train-images-idx3-ubyte").write_bytes(idx(BYTES))
    with pytest.raises(FmsearchError, match="of which one is to be kept"):
        describe(str(tmp_path))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (idx(BYTES)[:-1], "is damaged: its head says 840 bytes, and it has 839"),
        (idx(BYTES) + b"a", "is damaged: its head says 840 bytes, and it has more"),
        (b"\x00", "is no readable file of an array"),
        (b"PK\x03\x04" * 9, "is no idx file"),
    ],
)
def test_a_damaged_idx_file_is_refused(tmp_path: Path, content: bytes, expected: str) -> None:
    (tmp_path / "train-images.idx3-ubyte").write_bytes(content)
    (tmp_path / "train-labels.idx1-ubyte").write_bytes(idx(TEN.astype("u1")))
    with pytest.raises(FmsearchError, match=expected):
        describe(str(tmp_path))


def test_an_array_a_file_is_read_by_the_names_of_kuzushiji_49(tmp_path: Path) -> None:
    for name, array in {"train-imgs": BYTES, "train-labels": TEN, "test-imgs": TEST}.items():
        np.savez(tmp_path / f"k49-{name}.npz", array)
    with pytest.raises(FmsearchError, match="has no test labels"):
        describe(str(tmp_path))
    np.savez(tmp_path / "k49-test-labels.npz", FOUR)
    assert describe(str(tmp_path)).train_counts == (10, 10)


def test_the_hash_on_record_of_the_committed_images_stays(images: Path) -> None:
    expected = "f8b95491f725c430c7afd7cc5a21aed7056c3f137ea809cd8853284f24837477"
    assert describe(str(images)).sha256 == expected
