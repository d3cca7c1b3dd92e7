"""What a user can mend: the one error that is raised for it, and what is known by other errors."""

from __future__ import annotations

import errno
import sqlite3

# A full disk, a full quota, and a limit on the size of files.
_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_MEMORY_ERRNOS = {errno.ENOMEM, errno.EAGAIN}
# Python's of a thread, and the linker's of a library.
_MEMORY_WORDS = ("can't start new thread", "failed to map segment", "annot allocate memory")
_POSTGRESQL_STATE = "53100"
_SQLITE_CODES = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE}


class FmsearchError(Exception):
    """Something is wrong that the user can mend; the message says what and how.

    The command line prints it as one line and exits with code 1. A bug is never
    raised as this error, so that it surfaces with its traceback.
    """


def full_disk(error: BaseException | None) -> str:
    """What line to show for an error that comes from a full disk; empty for all others."""
    while error is not None:
        code = getattr(error, "sqlite_errorcode", None)
        is_postgresql = getattr(error, "sqlstate", None) == _POSTGRESQL_STATE
        is_file = isinstance(error, OSError) and error.errno in _ERRNOS
        if code in _SQLITE_CODES or is_postgresql or is_file:
            return f"no space is left to write ({error}); free some, and run the same command"
        error = error.__cause__ or error.__context__
    return ""


def too_little_memory(error: BaseException | None) -> str:
    """What line to show for an error that comes from too little memory; empty for all others.

    A limit on processes, which threads count for, shows in the same way.
    """
    while error is not None:
        is_system = isinstance(error, OSError) and error.errno in _MEMORY_ERRNOS
        is_named = isinstance(error, (ImportError, RuntimeError)) and any(
            words in str(error) for words in _MEMORY_WORDS
        )
        if isinstance(error, MemoryError) or is_system or is_named:
            reason = str(error) or "out of memory"
            return (
                f"this machine has too little memory, or lets one have too little ({reason}); "
                "the same command goes on where there is more, or with fewer --jobs"
            )
        error = error.__cause__ or error.__context__
    return ""
