"""The embedded store: MLflow's SQLite file, made whole or not at all."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from ..locks import turn
from ..places import SQLITE

log = logging.getLogger(__name__)


def make_database(uri: str) -> None:
    """Make a new embedded database whole, or not at all.

    MLflow's migrations are many transactions, and what a kill or a full disk leaves of them can
    not be opened again: they are made beside, where the next start removes what is left of them.
    """
    path = Path(uri.removeprefix(SQLITE))
    making = path.with_name(f".{path.name}.part")
    if not uri.startswith(SQLITE) or (path.exists() and not making.exists()):
        return
    with turn(path.parent / "locks" / f".{path.name}.lock"):  # of two at once, one is first
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
