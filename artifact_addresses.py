"""Addresses of artifacts in MLflow's SQLite file, which follow it where its home is moved.

MLflow keeps them absolute: a database that is moved, copied or mounted elsewhere with its artifacts
goes on naming the former folder, which is gone or is another store's.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

ARTIFACTS = "artifacts"
"""The folder of artifacts in a home."""
EXPERIMENT_TAG = ("mlflow.experimentKind", "custom_model_development")
"""Of the experiments that this program makes."""
_COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
    ("trace_tags", "value"),
)
"""Where MLflow has addresses; its earlier versions lack some."""
_WAIT_SECONDS = 60.0


def former_homes(database: Path, home: Path) -> list[Path]:
    """The folders that a database takes for its home, but for the one where it is.

    The address of MLflow's first experiment says where the database was made, or last moved to.
    Other experiments may name the same folder by a symbolic link. What was put elsewhere stays.

    Args:
        database: MLflow's, in `home`, or a copy of that.
        home: A real path.

    Raises:
        sqlite3.Error: The database cannot be read.
    """
    with closing(sqlite3.connect(database, timeout=_WAIT_SECONDS)) as opened:
        if not _has(opened, "experiments", "artifact_location"):
            return []
        first = opened.execute(
            "SELECT artifact_location FROM experiments WHERE experiment_id = 0"
        ).fetchall()
        ours = opened.execute(
            "SELECT artifact_location FROM experiments JOIN experiment_tags USING (experiment_id) "
            "WHERE key = ? AND value = ?",
            EXPERIMENT_TAG,
        ).fetchall()
    made_in = [path.parent for path in _paths(first) if path.name == "0"]
    if not made_in or made_in[0].name != ARTIFACTS:
        return []
    known = made_in[0].parent
    others = {path.parent for path in _paths(ours) if path.name == ARTIFACTS} - {known, home}

    def is_spelling(other: Path) -> bool:
        is_gone = known != home and not os.access(other, os.F_OK)
        return is_gone or Path(os.path.realpath(other)) in (known, home)

    return [*({known} - {home}), *sorted(filter(is_spelling, others))]


def rewrite(database: Path, former: Collection[Path], home: Path) -> int:
    """Let all addresses of artifacts in former homes name this home, in one transaction.

    Returns:
        How many there were.

    Raises:
        sqlite3.Error: The database cannot be written.
    """
    roots = [one / ARTIFACTS for one in former]

    def moved(address: str | None) -> str | None:
        if address is None:
            return None
        for path in _paths([(address,)]):
            for root in roots:
                if path.is_relative_to(root):
                    now = home / ARTIFACTS / path.relative_to(root)
                    return now.as_uri() if address.startswith("file:") else str(now)
        return address

    with closing(sqlite3.connect(database, timeout=_WAIT_SECONDS)) as opened, opened:
        opened.create_function("moved", 1, moved, deterministic=True)
        return sum(
            opened.execute(
                f"UPDATE {table} SET {column} = moved({column}) WHERE moved({column}) != {column}"
            ).rowcount
            for table, column in _COLUMNS
            if _has(opened, table, column)
        )


def _has(opened: sqlite3.Connection, table: str, column: str) -> bool:
    rows = opened.execute("SELECT name FROM pragma_table_info(?)", (table,))
    return (column,) in rows.fetchall()


def _paths(rows: Collection[tuple[object]]) -> list[Path]:
    """The absolute paths among addresses; a path may stand there without being a URL."""
    found = []
    for (address,) in rows:
        text = str(address)
        path = url2pathname(urlsplit(text).path) if text.startswith("file:") else text
        if path.startswith("/"):
            found.append(Path(path))
    return found
