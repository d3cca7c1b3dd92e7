"""The scratch folder: temporary files of the processes that this one starts."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

PREFIX = "fmsearch-"


@cache
def scratch_folder() -> Path:
    """This process's folder, created by the first call.

    Trainers are killed and cannot clean up, and TensorFlow writes a temporary file for each
    function that it compiles. The first call also removes the folders of killed processes.
    """
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        pid = left.name.removeprefix(PREFIX).partition("-")[0]
        if pid.isdecimal() and not Path("/proc", pid).exists():
            shutil.rmtree(left, ignore_errors=True)  # another user's stay
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))


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
