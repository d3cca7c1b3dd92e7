"""The embedded store: MLflow's database as an SQLite file."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from ..locks import turn
from ..places import SQLITE

log = logging.getLogger(__name__)


def make_database(uri: str) -> None:
    """Create a new embedded database completely, or not at all.

    MLflow's migrations are many transactions. If a kill or a full disk interrupts them, the file
    cannot be opened again, so that they run on a temporary file, which the next start removes.
    """
    path = Path(uri.removeprefix(SQLITE))
    making = path.with_name(f".{path.name}.part")
    if not uri.startswith(SQLITE) or (path.exists() and not making.exists()):
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
            store = SqlAlchemyStore(f"{SQLITE}{making / path.name}", artifacts)  # type: ignore[no-untyped-call]
            store.engine.dispose()
            (making / path.name).replace(path)
        finally:
            shutil.rmtree(making, ignore_errors=True)
