"""A new entry of the cache: images to fill in, and what is said about them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import FmsearchError
from .images import Images, Labels, Parts, Pixels
from .memory import gigabytes

ABOUT, PIXELS, LABELS, FILES = "about.json", "images.npy", "labels.npy", "files.json"
SPARE_BYTES = 64 * 2**20


@dataclass(frozen=True)
class NewImages:
    """Images of a known number and shape, to be filled in.

    Attributes:
        pixels: uint8, (n, h, w) or (n, h, w, c), training images first; mapped from a file.
        labels: int32, (n,).
        file: That has the pixels, for other processes to map.
    """

    pixels: Pixels
    labels: Labels
    file: Path


class Maker:
    """Makes an entry: gives images to fill in, and takes what is said about them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def new_images(self, count: int, shape: tuple[int, ...]) -> NewImages:
        """Make so many images of a shape, all black.

        Raises:
            FmsearchError: The disk has not that much space.
        """
        file, whole = self._folder / PIXELS, (count, *shape)
        size = int(np.prod(whole, dtype=np.int64))
        free = shutil.disk_usage(self._folder).free
        if size + SPARE_BYTES > free:
            raise FmsearchError(
                f"the images take {gigabytes(size)}, and {self._folder.parent} has "
                f"{gigabytes(free)} of free space; make them smaller (--image-size, for a "
                "folder), or set FMSEARCH_CACHE to a folder with more"
            )
        with file.open("wb") as opened:
            np.lib.format.write_array_header_1_0(
                opened, {"descr": "|u1", "fortran_order": False, "shape": whole}
            )
            opened.flush()
            # A page that the disk has no space for would end the process when it is written.
            os.posix_fallocate(opened.fileno(), opened.tell(), size)
        pixels = np.load(file, mmap_mode="r+")
        return NewImages(pixels, np.zeros(count, np.int32), file)

    def finish(
        self,
        new: NewImages,
        train: int,
        class_names: tuple[str, ...],
        conversions: tuple[str, ...],
        files: Sequence[str] = (),
    ) -> None:
        """Write what is said about the images; the first `train` of them are for training.

        Args:
            new: The images, filled in.
            train: How many are for training.
            class_names, conversions: As in `Parts`.
            files: The file of each image, if each has one.
        """
        new.pixels.flush()  # type: ignore[attr-defined]  # it is a memory map
        np.save(self._folder / LABELS, new.labels)
        parts = Parts(*Images(new.pixels, new.labels).cut(train), class_names)
        about = {
            "train": train,
            "class_names": class_names,
            "conversions": conversions,
            "sha256": parts.sha256,
        }
        (self._folder / FILES).write_text(json.dumps(list(files)), "utf-8")
        (self._folder / ABOUT).write_text(json.dumps(about), "utf-8")

    def store(self, parts: Parts) -> None:
        """Store a data set that stands in memory."""
        train, whole = len(parts.train), len(parts.train) + len(parts.test)
        new = self.new_images(whole, parts.shape)
        for rows, images in ((slice(train), parts.train), (slice(train, whole), parts.test)):
            new.pixels[rows], new.labels[rows] = images.pixels, images.labels
        self.finish(new, train, parts.class_names, parts.conversions)
