"""SQLite files that one process writes while others read."""

from __future__ import annotations

import sqlite3
from collections.abc import Set
from contextlib import closing
from pathlib import Path

OPTUNA, MLFLOW = "Optuna", "MLflow"


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


def _owner(tables: Set[str]) -> str | None:
    """Whose tables these are, also while they are being made; None if there are none yet."""
    if "studies" in tables:  # the first that Optuna makes
        return OPTUNA
    if tables & {"experiments", "alembic_version"}:  # MLflow has always one of the two
        return MLFLOW
    return "another program" if tables else None
