"""Data sets of labelled images: Fashion-MNIST by name, or any `.npz` file."""

from __future__ import annotations

import hashlib
import tokenize
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import FmsearchError
from . import fashion_mnist

FASHION_MNIST = "fashion-mnist"
FEWEST_PER_CLASS = 4
"""Training images that each class needs, so that it is on both sides of the 75/25 split."""
UNREADABLE = (
    *(OSError, ValueError, EOFError, MemoryError, RuntimeError, TypeError),
    *(tokenize.TokenError, zipfile.BadZipFile, zlib.error),
)
"""What NumPy and `zipfile` raise for a file that is damaged, encrypted or of another format.

TypeError: a plain .npy file loads as an array, which is not a context manager. MemoryError: the
header of an array announces billions of values.
"""


@dataclass(frozen=True)
class Images:
    """Labelled images of one part of a data set.

    Attributes:
        pixels: uint8, (n, h, w) or (n, h, w, c), raw values 0 to 255.
        labels: int32, (n,), classes counted from 0.
    """

    pixels: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """A description of a data set, without its images.

    Attributes:
        name: `fashion-mnist`, or the file's stem.
        spec: The value of `--data` that gives the same images again.
        sha256: Hash of the decompressed bytes, so that equal data have equal hashes.
        train_counts, test_counts: Number of images of each class.
        image_shape: Shape of one image, (h, w) or (h, w, c).
    """

    name: str
    spec: str
    sha256: str
    class_names: tuple[str, ...]
    train_counts: tuple[int, ...]
    test_counts: tuple[int, ...]
    image_shape: tuple[int, ...]


def load_training(spec: str) -> Images:
    """The training images of `fashion-mnist` or of an `.npz` file. No test image is read.

    Raises:
        FmsearchError: The data are missing or damaged, or have other shapes or types than `Images`.
    """
    if spec == FASHION_MNIST:
        return _read_fashion_mnist("train")
    return _read_npz(Path(spec), "train")


def load_test(spec: str) -> Images:
    """The test images: to report a model, never to choose one. Errors as in `load_training`."""
    if spec == FASHION_MNIST:
        return _read_fashion_mnist("t10k")
    return _read_npz(Path(spec), "test")


def describe(spec: str) -> DataSet:
    """Read, check and describe a data set.

    Raises:
        FmsearchError: As in `load_training`; also if training and test images do not match.
    """
    train, test = load_training(spec), load_test(spec)
    if spec == FASHION_MNIST:
        name, names = FASHION_MNIST, fashion_mnist.CLASS_NAMES
        fingerprint = "\n".join(fashion_mnist.SHA256.values()).encode()
    else:
        path = Path(spec)
        name, names = path.stem, _npz_class_names(path, train)
        fingerprint = b"".join(
            hashlib.sha256(repr(part.shape).encode() + part.tobytes()).digest()
            for images in (train, test)
            for part in (images.pixels, images.labels)
        )
        spec = str(path.resolve())
    _check_parts(spec, train, test, len(names))
    return DataSet(
        name=name,
        spec=spec,
        sha256=hashlib.sha256(fingerprint).hexdigest(),
        class_names=names,
        train_counts=_count(train, len(names)),
        test_counts=_count(test, len(names)),
        image_shape=train.pixels.shape[1:],
    )


def _count(images: Images, classes: int) -> tuple[int, ...]:
    return tuple(np.bincount(images.labels, minlength=classes).tolist())


def _read_fashion_mnist(part: str) -> Images:
    # An idx file is a header of 4 bytes, 4 more for each dimension, then the values.
    pixels = np.frombuffer(fashion_mnist.read(f"{part}-images-idx3-ubyte"), np.uint8, offset=16)
    labels = np.frombuffer(fashion_mnist.read(f"{part}-labels-idx1-ubyte"), np.uint8, offset=8)
    return Images(pixels.reshape(-1, 28, 28), labels.astype(np.int32))


def _read_npz(path: Path, part: str) -> Images:
    keys = (f"x_{part}", f"y_{part}")
    try:
        if path.exists() and not path.is_file():  # reading a pipe may never end
            raise FmsearchError(f"{path} is no file; --data takes the path of an .npz file")
        with np.load(path, allow_pickle=False) as file:
            missing = [key for key in keys if key not in file]
            if missing:
                raise FmsearchError(
                    f"{path} has no array {' and no '.join(missing)}; a data file holds "
                    "x_train, y_train, x_test and y_test"
                )
            pixels, labels = (np.asarray(file[key]) for key in keys)
    except FileNotFoundError as error:
        raise FmsearchError(
            f"no data set {str(path)!r}; --data takes {FASHION_MNIST} or the path of an .npz file"
        ) from error
    except UNREADABLE as error:
        raise FmsearchError(f"{path} is no readable .npz file ({error})") from error
    return _check_arrays(path, part, pixels, labels)


def _check_arrays(
    path: Path, part: str, pixels: npt.NDArray[np.generic], labels: npt.NDArray[np.generic]
) -> Images:
    faults = []
    if pixels.dtype != np.uint8 or pixels.ndim not in (3, 4) or 0 in pixels.shape:
        faults.append(
            f"x_{part} is {pixels.dtype} {pixels.shape}; it must be uint8 (n, h, w) or (n, h, w, c)"
        )
    if labels.dtype.kind not in "iu" or labels.ndim != 1:
        faults.append(f"y_{part} is {labels.dtype} {labels.shape}; it must be integer (n,)")
    elif len(labels) != len(pixels):
        faults.append(f"x_{part} has {len(pixels)} images, y_{part} {len(labels)} labels")
    elif len(labels) and (int(labels.min()) < 0 or int(labels.max()) > 9999):
        faults.append(f"y_{part} has labels outside 0 to 9999")
    if faults:
        raise FmsearchError(f"{path}: " + "; ".join(faults))
    return Images(pixels.astype(np.uint8, copy=False), labels.astype(np.int32))


def _npz_class_names(path: Path, train: Images) -> tuple[str, ...]:
    classes = int(train.labels.max()) + 1
    try:
        with np.load(path, allow_pickle=False) as file:
            names = file["class_names"] if "class_names" in file else np.arange(classes)
    except UNREADABLE as error:  # most often an array of objects, which needs pickle
        raise FmsearchError(f"{path}: class_names must be an array of text ({error})") from error
    if names.shape != (classes,):
        raise FmsearchError(
            f"{path}: class_names has shape {names.shape}, but the labels name {classes} classes"
        )
    return tuple(
        name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in names
    )


def _check_parts(spec: str, train: Images, test: Images, classes: int) -> None:
    counts = np.bincount(train.labels, minlength=classes)
    if classes < 2:
        raise FmsearchError(f"{spec}: all training images have one label; two classes are needed")
    scarce = np.flatnonzero(counts < FEWEST_PER_CLASS)
    if len(scarce):
        raise FmsearchError(
            f"{spec}: class {scarce[0]} has {counts[scarce[0]]} training images; "
            f"each class from 0 to {classes - 1} needs at least {FEWEST_PER_CLASS}"
        )
    if int(test.labels.max()) >= classes:
        raise FmsearchError(
            f"{spec}: y_test has label {int(test.labels.max())}, "
            f"but the training labels end at {classes - 1}"
        )
    if test.pixels.shape[1:] != train.pixels.shape[1:]:
        raise FmsearchError(
            f"{spec}: test images are {test.pixels.shape[1:]}, "
            f"training images {train.pixels.shape[1:]}"
        )
