"""The embedded store: MLflow's database as an SQLite file."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from ..addresses import sqlite_address
from ..locks import turn

log = logging.getLogger(__name__)


def make_database(path: Path | None) -> None:
    """Create a new embedded database completely, or not at all; nothing if a server has the runs.

    MLflow's migrations are many transactions. If a kill or a full disk interrupts them, the file
    cannot be opened again, so that they run on a temporary file, which the next start removes.
    """
    if path is None:
        return
    making = path.with_name(f".{path.name}.part")
    if path.exists() and not making.exists():
        return
    with turn(path.parent / "locks" / f".{path.name}.lock"):  # one process at a time
        shutil.rmtree(making, ignore_errors=True)
        if path.exists():
            return
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        log.info("making MLflow's tables")
        try:
            making.mkdir()
            artifacts = (path.parent / "artifacts").as_uri()
            store = SqlAlchemyStore(sqlite_address(making / path.name), artifacts)  # type: ignore[no-untyped-call]
            store.engine.dispose()
            (making / path.name).replace(path)
        finally:
            shutil.rmtree(making, ignore_errors=True)
