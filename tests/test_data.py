"""Data sets: where they come from, and what is said of damaged ones."""

import gzip
import hashlib
import os
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
    "float pixels": ({"x_train": np.zeros((20, 8, 8))}, "x_train is float64"),
    "flat pixels": ({"x_train": np.zeros((20, 64), np.uint8)}, "must be uint8 (n, h, w)"),
    "no images": ({"x_train": np.zeros((0, 8, 8), np.uint8)}, "x_train is uint8 (0, 8, 8)"),
    "one-hot labels": ({"y_train": np.eye(20, dtype=int)}, "must be integer (n,)"),
    "text labels": ({"y_train": np.array(["a"] * 20)}, "must be integer (n,)"),
    "too few labels": ({"y_train": np.repeat([0, 1], 9)}, "has 20 images, y_train 18 labels"),
    "negative labels": ({"y_train": np.repeat([-1, 1], 10)}, "labels outside 0 to 9999"),
    "an empty class": ({"y_train": np.repeat([0, 2], 10)}, "class 1 has 0 training images"),
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


@pytest.fixture
def only_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Fashion-MNIST's sources that read files, looking in an empty folder; none that download."""
    monkeypatch.setenv("FMSEARCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(fashion_mnist, "DEBIAN_FOLDER", tmp_path / "debian")
    files = ("cache", "Debian's installed data set")
    sources = {name: fashion_mnist.SOURCES[name] for name in files}
    monkeypatch.setattr(fashion_mnist, "SOURCES", sources)
    return tmp_path


def test_when_no_source_has_the_data_the_error_lists_what_was_tried(only_files: Path) -> None:
    with pytest.raises(FmsearchError) as caught:
        fashion_mnist.fetch()
    for part in ("cache: ", "Debian's installed data set: no ", "--data FILE.npz"):
        assert part in str(caught.value)


def test_damaged_files_of_a_source_are_not_taken(only_files: Path) -> None:
    (only_files / "debian").mkdir()
    for name in fashion_mnist.SHA256:
        (only_files / "debian" / f"{name}.gz").write_bytes(gzip.compress(b"other bytes"))
    with pytest.raises(FmsearchError, match="its SHA-256 is not the published one"):
        fashion_mnist.fetch()
    assert not (only_files / "cache").exists()


def test_good_files_of_a_source_are_kept_and_read_from_the_cache(
    only_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"some bytes"
    sums = {"a-file": hashlib.sha256(content).hexdigest()}
    monkeypatch.setattr(fashion_mnist, "SHA256", sums)
    (only_files / "debian").mkdir()
    (only_files / "debian" / "a-file.gz").write_bytes(gzip.compress(content))
    before = os.umask(0o022)
    try:
        assert fashion_mnist.fetch() == "Debian's installed data set"
    finally:
        os.umask(before)
    assert fashion_mnist.fetch() == "cache"
    assert fashion_mnist.read("a-file") == content
    cached = fashion_mnist.cache_folder() / "a-file"
    assert cached.stat().st_mode & 0o777 == 0o644  # other users may share the cache


def test_a_damaged_cache_is_refused_and_replaced(
    only_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    test_good_files_of_a_source_are_kept_and_read_from_the_cache(only_files, monkeypatch)
    (fashion_mnist.cache_folder() / "a-file").write_bytes(b"")
    with pytest.raises(FmsearchError, match="is damaged"):
        fashion_mnist.read("a-file")
    assert fashion_mnist.fetch() == "Debian's installed data set"
    assert fashion_mnist.fetch() == "cache"
