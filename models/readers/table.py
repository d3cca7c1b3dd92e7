"""Which reader reads what, and the cache between them and those who want images."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ...errors import FmsearchError
from ..cache import Entry, find, kept, read_entry
from ..images import Parts
from ..memory import SMALL_BYTES
from ..new_entry import ABOUT, PIXELS
from .array_files import array_files, read_array_files
from .decoding import OnProgress
from .folder import Size, read_folder
from .npz import read_npz
from .picture import SUFFIXES

URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
WITH_SIZE = re.compile(r"(.+)#(\d+)x(\d+)")
ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst")
MOST_SIDE = 4096


@dataclass(frozen=True)
class Found:
    """A data set that was read.

    Attributes:
        sha256: Hash of its images and labels.
        entry: The folder of the cache that its images are mapped from; None if each process
            reads them itself, as they are few.
    """

    parts: Parts
    sha256: str
    entry: Path | None = None


Read = Callable[[Path, Size | None, OnProgress], Found]


@dataclass(frozen=True)
class Reader:
    """Reads one format.

    Attributes:
        fits: Whether a path, which is there, is of this format.
        read: Reads it, with its pictures resized if a size is given.
    """

    fits: Callable[[Path], bool]
    read: Read


def find_data(spec: str, on_progress: OnProgress) -> Found:
    """Read a data set, or find it in the cache.

    Args:
        spec: A path, with `#HxW` behind it for a folder of pictures if they are to have that size.
        on_progress: Called as pictures are decoded.

    Raises:
        FmsearchError: There is none, or it cannot be used.
    """
    path, size = split_spec(spec)
    for reader in READERS.values():
        if reader.fits(path):
            return reader.read(path, size, on_progress)
    raise FmsearchError(f"{path} is no file and no folder; --data takes one of these")


def split_spec(spec: str) -> tuple[Path, Size | None]:
    """The path and the size in a spec.

    Raises:
        FmsearchError: There is no such path, or the size is none.
    """
    path, size = Path(spec), None
    if URL.match(spec):
        raise FmsearchError(
            f"{spec} is a URL; --data takes what is on this machine: download it before"
        )
    if (match := WITH_SIZE.fullmatch(spec)) and not _is_there(path):
        path, size = Path(match[1]), (int(match[2]), int(match[3]))
        if not all(1 <= side <= MOST_SIDE for side in size):
            raise FmsearchError(f"--image-size {match[2]}x{match[3]} is not from 1x1 to "
                                f"{MOST_SIDE}x{MOST_SIDE}")  # fmt: skip
    if not _is_there(path):
        raise FmsearchError(
            f"no data set {str(path)!r}; --data takes fashion-mnist or the path of an .npz file or "
            "of a folder"
        )
    return path, size


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise FmsearchError(f"{path} cannot be read: {error.strerror}") from error


def moved(spec: str, where: str | None) -> str:
    """The spec of a data set that is at another place now, with the size that it has on record."""
    if where is None or where == spec or WITH_SIZE.fullmatch(where):
        return where or spec
    size = WITH_SIZE.fullmatch(spec)
    return f"{where}#{size[2]}x{size[3]}" if size and Path(where).is_dir() else where


def _entry(entry: Entry) -> Found:
    return Found(entry.parts, entry.sha256, entry.folder)


def _read_entry(path: Path, size: Size | None, on_progress: OnProgress) -> Found:  # noqa: ARG001
    """A folder of the cache, whose hash is not computed again: who gives it has done that."""
    try:
        return _entry(read_entry(path))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FmsearchError(f"{path} is damaged ({error}); the same command mends it") from error


def _read_pictures(path: Path, size: Size | None, on_progress: OnProgress) -> Found:
    return _entry(read_folder(path, size, on_progress))


def _arrays(read: Callable[[Path], Parts], files: Callable[[Path], Iterable[Path]]) -> Read:
    """A reader of arrays: what is large goes into the cache, where all processes map it."""

    def read_or_find(path: Path, size: Size | None, on_progress: OnProgress) -> Found:  # noqa: ARG001
        if size is not None:
            raise FmsearchError(f"{path}: --image-size is for folders of pictures")
        key = _key(files(path))
        if key and (entry := find(key)):
            return _entry(entry)
        parts = read(path)
        if key and parts.train.pixels.nbytes + parts.test.pixels.nbytes > SMALL_BYTES:
            return _entry(kept(key, lambda maker: maker.store(parts)))
        return Found(parts, parts.sha256)

    return read_or_find


def _key(files: Iterable[Path]) -> str:
    """The hash of files; empty if one cannot be read, as its reader says."""
    key = hashlib.sha256(b"arrays 1")
    with suppress(OSError):
        for file in files:
            with file.open("rb") as opened:
                key.update(hashlib.file_digest(opened, "sha256").digest())
        return key.hexdigest()[:40]
    return ""


def _is_other(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in (*ARCHIVES, *SUFFIXES)


def _refuse(path: Path, size: Size | None, on_progress: OnProgress) -> Found:  # noqa: ARG001
    if path.suffix.lower() in SUFFIXES:
        raise FmsearchError(
            f"{path} is one picture; --data takes a folder of them, a folder a class"
        )
    raise FmsearchError(f"{path} is an archive; unpack it, and give the folder or file in it")


def _is_entry(path: Path) -> bool:
    return (path / ABOUT).is_file() and (path / PIXELS).is_file()


def _has_arrays(path: Path) -> bool:
    with suppress(OSError):
        return path.is_dir() and bool(array_files(path))
    return False


def _files_of_arrays(path: Path) -> list[Path]:
    return [file for files in array_files(path).values() for file in files]


READERS: Mapping[str, Reader] = {
    "an entry of the cache": Reader(_is_entry, _read_entry),
    "idx files": Reader(_has_arrays, _arrays(read_array_files, _files_of_arrays)),
    "pictures": Reader(Path.is_dir, _read_pictures),
    "archives and single pictures": Reader(_is_other, _refuse),
    "npz": Reader(Path.is_file, _arrays(read_npz, lambda path: [path])),
}
"""The formats of data; the first one that fits reads a path."""
