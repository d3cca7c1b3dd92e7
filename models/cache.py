"""The cache: data sets that were read once, as files that processes map into their memory.

An entry is a folder named by the hash of what it was made from. It is whole from the moment it has
that name, and is checked against the hash of its images whenever a command begins; nobody changes
it. An entry that no command has used for `UNUSED_DAYS` goes when another one is made, and the whole
folder may be removed at any time when no command runs.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import FmsearchError, full_disk
from ..locks import turn
from .images import Images, Labels, Parts, Pixels
from .memory import gigabytes

log = logging.getLogger(__name__)

ABOUT, PIXELS, LABELS, FILES = "about.json", "images.npy", "labels.npy", "files.json"
UNUSED_DAYS = 30
SPARE_BYTES = 64 * 2**20


def cache_home() -> Path:
    """The folder of all that is kept between commands: `FMSEARCH_CACHE`, or one in XDG's cache.

    Raises:
        FmsearchError: It cannot be found.
    """
    chosen = os.environ.get("FMSEARCH_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    folder = Path(chosen) if chosen else Path(base) / "fmsearch"
    try:
        return folder.expanduser()
    except RuntimeError as error:  # `~` stands for no known folder
        raise FmsearchError(
            f"the cache folder {folder} cannot be found ({error}); set FMSEARCH_CACHE"
        ) from error


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
        parts = Parts(*_parts(new.pixels, new.labels, train), class_names)
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


Make = Callable[[Maker], None]


@dataclass(frozen=True)
class Entry:
    """A data set in the cache; `sha256` is the hash of images and labels that is on record."""

    folder: Path
    parts: Parts
    sha256: str


def find(key: str) -> Entry | None:
    """The entry of a key, if there is one that is whole. Nothing is written for it."""
    with suppress(FmsearchError, OSError):
        for home in _homes():
            if (entry := _whole(home / key)) is not None:
                return entry
    return None


def kept(key: str, make: Make) -> Entry:
    """The entry of a key, made if there is none that is whole.

    Args:
        key: Hexadecimal digits; the hash of what it is made from.
        make: Fills an entry. Of two processes that want one, one makes it and the other waits.

    Raises:
        FmsearchError: It cannot be written.
    """
    if (entry := find(key)) is not None:
        return entry
    home = _writable_home()
    folder = home / key
    with turn(home / f".{key}.lock"):
        if (entry := _whole(folder)) is not None:
            return entry
        with _part(folder) as part:
            make(Maker(part))
    return read_entry(folder)


def _whole(folder: Path) -> Entry | None:
    """An entry, if it has the hash that is on record with it."""
    if not folder.is_dir():
        return None
    with suppress(OSError, ValueError, KeyError, TypeError):
        entry = read_entry(folder)
        if entry.parts.sha256 == entry.sha256:
            return entry
    log.warning("%s is damaged; it is made anew", folder)
    return None


def read_entry(folder: Path) -> Entry:
    """An entry, its images mapped from its file; their hash is not computed.

    Raises:
        OSError, ValueError, KeyError, TypeError: It is damaged.
    """
    about = json.loads((folder / ABOUT).read_text("utf-8"))
    with suppress(OSError):  # it may be read only
        os.utime(folder)  # it is in use
    # Copy on write: nobody writes, but only what may be written becomes a tensor without a copy.
    pixels = np.load(folder / PIXELS, mmap_mode="c", allow_pickle=False)
    labels = np.load(folder / LABELS, allow_pickle=False)
    parts = Parts(
        *_parts(pixels, labels, int(about["train"])),
        tuple(about["class_names"]),
        tuple(about["conversions"]),
        whole=Images(pixels, labels),
        files=tuple(json.loads((folder / FILES).read_text("utf-8"))),
    )
    return Entry(folder, parts, str(about["sha256"]))


def _parts(pixels: Pixels, labels: Labels, train: int) -> tuple[Images, Images]:
    return Images(pixels[:train], labels[:train]), Images(pixels[train:], labels[train:])


@contextmanager
def _part(folder: Path) -> Iterator[Path]:
    """A folder that gets its name when it is filled."""
    _remove_unused(folder.parent)
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # of a process that was killed
    part.mkdir()
    try:
        yield part
        shutil.rmtree(folder, ignore_errors=True)  # if it is damaged
        part.replace(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _homes() -> tuple[Path, Path]:
    """The folder of entries, and the one in its place where the cache cannot be written.

    Raises:
        FmsearchError: They cannot be found, or the second one is another user's.
    """
    temporary = Path(tempfile.gettempdir(), f"fmsearch-{os.getuid()}")
    if temporary.exists() and temporary.stat().st_uid != os.getuid():
        raise FmsearchError(f"{temporary} is another user's; remove it, or set TMPDIR")
    return cache_home() / "images", temporary / "images"


def _writable_home() -> Path:
    """The first of the two folders that can be written.

    Raises:
        FmsearchError: Neither can.
    """
    reasons = []
    for folder in _homes():
        try:
            folder.parent.mkdir(0o700, parents=True, exist_ok=True)
            folder.mkdir(exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            if line := full_disk(error):
                raise FmsearchError(line) from error
            reasons.append(f"{folder}: {error.strerror}")
            continue
        if reasons:
            log.warning("the cache cannot be written (%s); images are kept in %s", *reasons, folder)
        return folder
    raise FmsearchError(
        f"images cannot be kept ({'; '.join(reasons)}); set FMSEARCH_CACHE to a folder that can be "
        "written"
    )


def _remove_unused(home: Path) -> None:
    """Remove what no command has used for long, and what killed processes left."""
    oldest = time.time() - UNUSED_DAYS * 24 * 3600
    for entry in home.iterdir():
        with suppress(OSError):
            if entry.stat().st_mtime < oldest:
                if entry.is_dir():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()
