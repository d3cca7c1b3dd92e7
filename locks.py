"""Lock files: one process of a machine holds each, and its end releases it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from .errors import FmsearchError


class HeldError(FmsearchError):
    """Another process holds a lock; `holder` is its process id, as text."""

    def __init__(self, what: str, holder: str) -> None:
        super().__init__(f"{what} is being run by process {holder}; wait for it or stop it")
        self.holder = holder


@contextmanager
def hold(path: Path, what: str) -> Iterator[Callable[[], None]]:
    """Hold the lock file `path`; `what` names the locked thing in messages.

    Gives a function that checks whether the file is still there, as the end does: a program whose
    databases are removed writes on into files that nobody will see.

    Raises:
        HeldError: Another process holds it.
        FmsearchError: The file cannot be written, or was removed meanwhile.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        opened = path.open("a+")
    except OSError as error:
        raise FmsearchError(f"cannot lock {path}: {error.strerror}") from error
    with opened as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise HeldError(what, holder) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()

        def check(cause: Exception | None = None) -> None:
            if os.fstat(file.fileno()).st_nlink == 0:
                raise FmsearchError(
                    f"somebody has removed the store during {what} ({path} is gone); remove what "
                    "is left of it, and run the same command"
                ) from cause

        try:
            yield check
        except Exception as error:
            check(error)
            raise
        check()


def share(path: Path) -> AbstractContextManager[None]:
    """Hold the lock file `path` together with others who share it, while nobody holds it alone.

    Raises:
        OSError: The file cannot be written.
    """
    return _wait_for(path, fcntl.LOCK_SH)


def turn(path: Path) -> AbstractContextManager[None]:
    """Wait for the lock file `path`, and hold it.

    Raises:
        OSError: The file cannot be written.
    """
    return _wait_for(path, fcntl.LOCK_EX)


@contextmanager
def _wait_for(path: Path, how: int) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, how)
        yield
