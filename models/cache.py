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
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import FmsearchError, full_disk
from ..locks import turn
from .images import Images, Parts
from .new_entry import ABOUT, FILES, LABELS, PIXELS, Maker

log = logging.getLogger(__name__)

UNUSED_DAYS = 30


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
    whole = Images(pixels, labels)
    parts = Parts(
        *whole.cut(int(about["train"])),
        tuple(about["class_names"]),
        tuple(about["conversions"]),
        whole=whole,
        files=tuple(json.loads((folder / FILES).read_text("utf-8"))),
    )
    return Entry(folder, parts, str(about["sha256"]))


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
