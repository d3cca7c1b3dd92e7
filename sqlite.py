"""SQLite files that one process writes while others read; closed and copied."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Set
from contextlib import closing, suppress
from pathlib import Path

OPTUNA, MLFLOW = "Optuna", "MLflow"
LOG = "-wal"
"""The end of the name of a database's write-ahead log, which stands beside it."""


def write_ahead(path: Path, user: str) -> None:
    """Give a database write-ahead logging, so that readers and the writer do not wait.

    The file and its folder are made if they are not there; a database that somebody else than
    `user` filled is left as it is.

    Raises:
        OSError: The folder cannot be made.
        sqlite3.Error: The file cannot be opened, is no database or not the user's, or has a second
            name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_file() and (names := path.stat().st_nlink) > 1:
        # SQLite's journal stands beside the name by which a file is opened: by two names, two
        # programs write as if each were alone.
        raise sqlite3.DatabaseError(
            f"it has {names} names (hard links): remove the others, or put a copy in its place"
        )
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        owner = _owner({name for (name,) in rows})
        if owner not in (None, user):
            raise sqlite3.DatabaseError(f"it is a database of {owner}, not of {user}")
        database.execute("PRAGMA journal_mode=WAL")


def checkpoint(path: Path) -> None:
    """Move what is in a database's write-ahead log into the database's own file.

    After that, a copy of the file alone is complete. If another process reads or writes at this
    moment, nothing is moved: it does so when it ends.
    """
    log = path.with_name(path.name + LOG)
    with suppress(OSError, sqlite3.Error):
        if path.exists() and log.stat().st_size:
            with closing(sqlite3.connect(path, timeout=1)) as database:
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def may_be_written(path: Path) -> bool:
    """Whether this process may write a database. SQLite creates files beside it, too."""
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def copy_to(path: Path, copy: Path) -> None:
    """Copy a database as it is at one moment, while others may write it.

    Raises:
        OSError: The copy cannot be written, or the database cannot be read.
        sqlite3.Error: It cannot be copied.
    """
    copy.parent.mkdir(parents=True, exist_ok=True)
    with (
        closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(copy)) as made,
    ):
        source.backup(made)


def copy_to_look_at(path: Path, copy: Path) -> None:
    """Copy a database that may only be read.

    Raises:
        OSError: The copy cannot be written, or the database cannot be read.
    """
    try:
        copy_to(path, copy)
    except sqlite3.Error:
        # SQLite does not read a database with a write-ahead log where it may create no files. No
        # process that writes has it open: there would be files beside it.
        for end in ("", LOG):
            with suppress(FileNotFoundError):
                shutil.copyfile(path.with_name(path.name + end), copy.with_name(copy.name + end))


def _owner(tables: Set[str]) -> str | None:
    """Whose tables these are, also while they are being made; None if there are none yet."""
    if "studies" in tables:  # the first that Optuna makes
        return OPTUNA
    if tables & {"experiments", "alembic_version"}:  # MLflow has always one of the two
        return MLFLOW
    return "another program" if tables else None
