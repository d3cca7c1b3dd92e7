"""The scratch folder: temporary files of the processes that this one starts."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from multiprocessing import util
from pathlib import Path

PREFIX = "fmsearch-scratch-"
MOST_BYTES = 50
"""Of the path of the folder for temporary files: in ours Python makes sockets, which have 57 more,
and may have 107."""


@cache
def scratch_folder() -> Path:
    """This process's folder, created by the first call.

    Trainers are killed and cannot clean up, and TensorFlow writes a temporary file for each
    function that it compiles. The first call also removes the folders of killed processes.

    A process holds a lock on its folder as long as it lives. A process number would not do:
    containers may share the folder of temporary files, but do not see each other's processes.
    """
    parent = tempfile.gettempdir()
    if len(os.fsencode(parent)) > MOST_BYTES:
        parent = "/tmp"
    for left in Path(parent).glob(f"{PREFIX}*"):
        with suppress(OSError):  # those of the living, and another user's, stay
            _remove_if_dead(left)
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        try:
            lock = _lock(folder)
        except (BlockingIOError, FileNotFoundError):
            continue  # another process has seen it before it was locked, and removes it
        except OSError:
            return folder  # nothing can be locked here, so nobody removes it
        if folder.exists():
            # Where another program than ours uses it; after Python's own folders in it.
            util.Finalize(None, clear_scratch, exitpriority=-200)
            return folder  # locked until this process ends
        os.close(lock)


def restore_scratch() -> None:
    """Make the folder again where somebody has removed it, as cleaners of old files do."""
    folder = scratch_folder()
    if not folder.exists():
        folder.mkdir(0o700, parents=True, exist_ok=True)
        with suppress(OSError):  # as `scratch_folder`
            _lock(folder)


def _remove_if_dead(folder: Path) -> None:
    lock = _lock(folder)
    try:
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


def _lock(folder: Path) -> int:
    """Lock a folder, until the returned descriptor is closed or this process ends.

    Raises:
        OSError: Its process is alive, it belongs to another user, or it does not exist.
    """
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(opened)
        raise
    return opened


@contextmanager
def temporary_files_in(folder: Path) -> Iterator[None]:
    """Make `folder` the place for temporary files of this process and those that it starts."""
    before = os.environ.get("TMPDIR"), tempfile.tempdir
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before[1]
        if before[0] is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = before[0]


def clear_scratch() -> None:
    """Remove the folder; the processes that use it must have ended."""
    if scratch_folder.cache_info().currsize:
        shutil.rmtree(scratch_folder(), ignore_errors=True)
