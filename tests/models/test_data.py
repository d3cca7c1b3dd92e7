"""Data sets: what is said of them, and of damaged ones."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmsearch.errors import FmsearchError
from fmsearch.models import fashion_mnist
from fmsearch.models.data import describe, load_test, load_training


def write_npz(path: Path, **changes: Any) -> Path:
    """A small valid data file, with some of its arrays changed; None leaves one out."""
    arrays: dict[str, Any] = {
        "x_train": np.zeros((20, 8, 8), np.uint8),
        "y_train": np.repeat([0, 1], 10),
        "x_test": np.zeros((4, 8, 8), np.uint8),
        "y_test": np.array([0, 1, 0, 1]),
        **changes,
    }
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    return path


def test_the_committed_images_are_balanced_and_real(images: Path) -> None:
    found = describe(str(images))
    assert found.train_counts == (240,) * 10
    assert found.test_counts == (60,) * 10
    assert found.class_names == fashion_mnist.CLASS_NAMES
    pixels = load_training(str(images)).pixels
    assert pixels.shape == (2400, 28, 28)
    assert 60 < pixels.mean() < 85  # the whole set's mean is 72.9
    assert images.stat().st_size < 2_000_000


def test_color_images_and_unnamed_classes_are_described(tmp_path: Path) -> None:
    file = write_npz(
        tmp_path / "mine.npz",
        x_train=np.zeros((20, 8, 9, 3), np.uint8),
        x_test=np.zeros((4, 8, 9, 3), np.uint8),
    )
    found = describe(str(file))
    assert (found.name, found.image_shape, found.class_names) == ("mine", (8, 9, 3), ("0", "1"))


def test_equal_data_have_equal_hashes_whatever_the_compression(tmp_path: Path) -> None:
    plain = write_npz(tmp_path / "plain.npz")
    with np.load(plain) as arrays:
        np.savez_compressed(tmp_path / "small.npz", **arrays)
    other = write_npz(tmp_path / "other.npz", y_test=np.array([1, 1, 0, 1]))
    hashes = [describe(str(tmp_path / f)).sha256 for f in ("plain.npz", "small.npz", other.name)]
    assert hashes[0] == hashes[1] != hashes[2]


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "missing arrays": ({"x_test": None}, "has no array x_test"),
    "flat pixels": ({"x_train": np.zeros((20, 64), np.uint8)}, "must be uint8 (n, h, w)"),
    "no images": ({"x_train": np.zeros((0, 8, 8), np.uint8)}, "x_train is uint8 (0, 8, 8)"),
    "soft labels": ({"y_train": np.full((20, 2), 0.5)}, "it must be integer or text (n,)"),
    "one text": ({"y_train": np.array(["a"] * 20)}, "y_test has label 0, but y_train has not"),
    "too few labels": ({"y_train": np.repeat([0, 1], 9)}, "has 20 images, y_train 18 labels"),
    "negative labels": ({"y_train": np.repeat([-1, 1], 10)}, "labels outside 0 to 9999"),
    "an empty class": (
        {"y_train": np.repeat([0, 2], 10), "class_names": np.array(["a", "b", "c"])},
        "class 1 has 0 training images",
    ),
    "a scarce class": ({"y_train": np.array([0] * 17 + [1] * 3)}, "class 1 has 3 training images"),
    "one class": ({"y_train": np.zeros(20, int)}, "two classes are needed"),
    "unknown test labels": ({"y_test": np.array([0, 1, 2, 1])}, "y_test has label 2"),
    "other test size": ({"x_test": np.zeros((4, 9, 9), np.uint8)}, "test images are (9, 9)"),
    "names that do not fit": ({"class_names": np.array(["a"])}, "class_names has shape (1,)"),
    "pickled names": ({"class_names": np.array([None, "b"])}, "must be an array of text"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_data_file_is_refused_with_the_reason(tmp_path: Path, fault: str) -> None:
    changes, expected = FAULTS[fault]
    file = write_npz(tmp_path / "mine.npz", **changes)
    with pytest.raises(FmsearchError) as caught:
        describe(str(file))
    assert expected in str(caught.value)
    assert "mine.npz" in str(caught.value)


def test_a_missing_data_file_is_refused_with_what_data_takes() -> None:
    with pytest.raises(FmsearchError, match=r"--data takes fashion-mnist or the path of an \.npz"):
        load_training("nowhere.npz")


@pytest.mark.parametrize("keep", [0, 10, 500])
def test_a_truncated_data_file_is_refused(tmp_path: Path, keep: int) -> None:
    file = write_npz(tmp_path / "mine.npz")
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(FmsearchError, match=r"is no readable \.npz file"):
        load_test(str(file))


def test_a_bare_array_file_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "mine.npy", np.zeros(3))
    with pytest.raises(FmsearchError, match=r"is no readable \.npz file"):
        load_training(str(tmp_path / "mine.npy"))
