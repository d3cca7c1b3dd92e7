"""SQLite files that one process writes while others read."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def write_ahead(path: Path) -> None:
    """Give a database write-ahead logging, so that readers and the writer do not wait.

    The file and its folder are made if they are not there.

    Raises:
        OSError: The folder cannot be made.
        sqlite3.Error: The file cannot be opened, or is no database.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=WAL")
