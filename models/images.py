"""Labelled images, as all readers of data give them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Images:
    """Labelled images of one part of a data set.

    Attributes:
        pixels: uint8, (n, h, w) or (n, h, w, c), raw values 0 to 255.
        labels: int32, (n,), classes counted from 0.
    """

    pixels: Pixels
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)

    def cut(self, first: int) -> tuple[Images, Images]:
        """The first images and the others, without a copy."""
        head, tail = slice(first), slice(first, None)
        return (
            Images(self.pixels[head], self.labels[head]),
            Images(self.pixels[tail], self.labels[tail]),
        )


@dataclass(frozen=True)
class Parts:
    """A data set, whole.

    Attributes:
        class_names: In the order of the labels.
        conversions: What was made of what the files hold, a line each.
        whole: Both parts in one array, the training images first, if they stand so already.
        files: The file of each image of both parts, if each has one.
    """

    train: Images
    test: Images
    class_names: tuple[str, ...]
    conversions: tuple[str, ...] = ()
    whole: Images | None = None
    files: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one image, (h, w) or (h, w, c)."""
        return self.train.pixels.shape[1:]

    @property
    def sha256(self) -> str:
        """Hash of shapes and bytes, so that equal images with equal labels have equal hashes."""
        whole = hashlib.sha256()
        for images in (self.train, self.test):
            for part in (images.pixels, images.labels):
                one = hashlib.sha256(repr(part.shape).encode())
                one.update(np.ascontiguousarray(part).data)
                whole.update(one.digest())
        return whole.hexdigest()

    @property
    def both(self) -> Images:
        """All images, those for training first."""
        if self.whole is not None:
            return self.whole
        return Images(
            np.concatenate([self.train.pixels, self.test.pixels]),
            np.concatenate([self.train.labels, self.test.labels]),
        )

    def name(self, row: int) -> str:
        """What tells a reader which image this is, counted through both parts."""
        if self.files:
            return self.files[row]
        train = len(self.train)
        return f"training image {row}" if row < train else f"test image {row - train}"
