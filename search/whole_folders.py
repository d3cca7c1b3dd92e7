"""Folders of an outbox: those that are there whole or not at all, and temporary ones."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..checksums import write_checksums

PART, REMOVED = ".part", ".old"


def new_folder(entry: Path) -> Path:
    """Create an empty folder beside `entry`, for `publish`, but no home that was removed."""
    part = entry.with_name(f".{entry.name}{PART}")
    shutil.rmtree(part, ignore_errors=True)
    part.parent.mkdir(exist_ok=True)
    part.mkdir()
    return part


@contextlib.contextmanager
def temporary_folder(outbox: Path) -> Iterator[Path]:
    """An empty folder, in an outbox that is made; cleaners of temporary files do not come there."""
    outbox.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".study-", suffix=PART, dir=outbox) as name:
        yield Path(name)


def publish(part: Path, entry: Path) -> None:
    """Rename a filled folder, which counts from then on, and survives a crash."""
    write_checksums(part)
    for file in part.iterdir():
        with file.open("rb") as handle:
            os.fsync(handle.fileno())
    discard(entry)
    part.rename(entry)


def half_written(outbox: Path) -> list[Path]:
    """Folders and files in an outbox that are not completely written, or not completely removed."""
    patterns = (f".trial-*{PART}", f".trial-*{REMOVED}", f".study-*{PART}", f"checkpoint-*{PART}")
    return [path for pattern in patterns for path in sorted(outbox.glob(pattern))]


def remove_half_written(outbox: Path) -> None:
    """Remove what is half written; nobody may be writing, but the shipper may be removing."""
    for left in half_written(outbox):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def discard(entry: Path) -> None:
    """Remove a folder, if it exists. It is renamed first, so that a rest of it does not count."""
    removed = entry.with_name(f".{entry.name}{REMOVED}")
    shutil.rmtree(removed, ignore_errors=True)
    with contextlib.suppress(FileNotFoundError):
        entry.rename(removed)
    shutil.rmtree(removed, ignore_errors=True)
