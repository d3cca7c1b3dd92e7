"""Data sets of labelled images: Fashion-MNIST by name, or what `readers/table.py` can read."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import numpy as np

from . import fashion_mnist
from .images import Images as Images
from .images import Parts
from .readers.decoding import OnProgress, no_progress
from .readers.table import Found, find_data, split_spec
from .readers.table import moved as moved

FASHION_MNIST = "fashion-mnist"


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """A description of a data set, without its images.

    Attributes:
        name: `fashion-mnist`, or the stem of the file or the name of the folder.
        spec: The value of `--data` that gives the same images again.
        sha256: Hash of the decompressed bytes, so that equal data have equal hashes.
        train_counts, test_counts: Number of images of each class.
        image_shape: Shape of one image, (h, w) or (h, w, c).
        conversions: What was made of what the files hold, a line each.
        entry: The folder of the cache that has the images; empty if no folder has.
    """

    name: str
    spec: str
    sha256: str
    class_names: tuple[str, ...]
    train_counts: tuple[int, ...]
    test_counts: tuple[int, ...]
    image_shape: tuple[int, ...]
    conversions: tuple[str, ...] = ()
    entry: str = ""

    @property
    def prepared(self) -> str:
        """A spec that gives the images at once: if the cache has them, nothing is read again."""
        return self.entry or self.spec

    @property
    def bytes(self) -> int:
        """Of all images, in memory."""
        return (sum(self.train_counts) + sum(self.test_counts)) * math.prod(self.image_shape)

    @property
    def profile(self) -> dict[str, object]:
        """What MLflow shows of it beside name, source and hash."""
        made = {"conversions": list(self.conversions)} if self.conversions else {}
        return {"train": sum(self.train_counts), "test": sum(self.test_counts), **made}


def load_training(spec: str) -> Images:
    """The training images of a data set.

    Raises:
        FmsearchError: The data are missing or damaged, or cannot be used.
    """
    if spec == FASHION_MNIST:  # no test image is read
        return _read_fashion_mnist("train")
    return load_parts(spec).train


def load_test(spec: str) -> Images:
    """The test images: to report a model, never to choose one. Errors as in `load_training`."""
    return load_parts(spec).test


def load_parts(spec: str, on_progress: OnProgress = no_progress) -> Parts:
    """Both parts of a data set. Errors as in `load_training`."""
    return _find(spec, on_progress).parts


def describe(spec: str, on_progress: OnProgress = no_progress) -> DataSet:
    """Read, check and describe a data set.

    Args:
        spec: As in `--data`.
        on_progress: Called with how many of how many pictures are done.

    Raises:
        FmsearchError: As in `load_training`; also if training and test images do not match.
    """
    found = _find(spec, on_progress)
    name, whole = FASHION_MNIST, FASHION_MNIST
    if spec != FASHION_MNIST:
        path, size = split_spec(spec)
        resolved = path.resolve()
        name = path.stem if path.is_file() else resolved.name
        whole = f"{resolved}#{size[0]}x{size[1]}" if size else str(resolved)
    parts = found.parts
    return DataSet(
        name=name or "data",
        spec=whole,
        sha256=found.sha256,
        class_names=parts.class_names,
        train_counts=_count(parts.train, len(parts.class_names)),
        test_counts=_count(parts.test, len(parts.class_names)),
        image_shape=parts.shape,
        conversions=parts.conversions,
        entry=str(found.entry or ""),
    )


def _find(spec: str, on_progress: OnProgress) -> Found:
    return _fashion_mnist() if spec == FASHION_MNIST else find_data(spec, on_progress)


def _count(images: Images, classes: int) -> tuple[int, ...]:
    return tuple(np.bincount(images.labels, minlength=classes).tolist())


def _fashion_mnist() -> Found:
    parts = Parts(
        _read_fashion_mnist("train"), _read_fashion_mnist("t10k"), fashion_mnist.CLASS_NAMES
    )
    fingerprint = "\n".join(fashion_mnist.SHA256.values()).encode()
    return Found(parts, hashlib.sha256(fingerprint).hexdigest())


def _read_fashion_mnist(part: str) -> Images:
    # An idx file is a header of 4 bytes, 4 more for each dimension, then the values.
    pixels = np.frombuffer(fashion_mnist.read(f"{part}-images-idx3-ubyte"), np.uint8, offset=16)
    labels = np.frombuffer(fashion_mnist.read(f"{part}-labels-idx1-ubyte"), np.uint8, offset=8)
    return Images(pixels.reshape(-1, 28, 28), labels.astype(np.int32))
