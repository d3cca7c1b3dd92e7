"""The embedded store: MLflow's database as an SQLite file, which may have been moved."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ..addresses import sqlite_address
from ..artifact_addresses import ARTIFACTS, former_homes, rewrite
from ..locks import HeldError, hold, share, turn
from ..places import Places
from .reachability import TrackingError

log = logging.getLogger(__name__)


def make_database(path: Path | None) -> None:
    """Create a new embedded database completely, or not at all; nothing if a server has the runs.

    MLflow's migrations are many transactions. If a kill or a full disk interrupts them, the file
    cannot be opened again, so that they run on a temporary file, which the next start removes.
    """
    if path is None:
        return
    making = path.with_name(f".{path.name}.part")
    if _is_made(path) and not making.exists():
        return
    with turn(_lock(path, "lock")):  # one process at a time
        shutil.rmtree(making, ignore_errors=True)
        if _is_made(path):
            return
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        log.info("making MLflow's tables")
        try:
            making.mkdir()
            artifacts = (path.parent / ARTIFACTS).as_uri()
            store = SqlAlchemyStore(sqlite_address(making / path.name), artifacts)  # type: ignore[no-untyped-call]
            store.engine.dispose()
            (making / path.name).replace(path)
        finally:
            shutil.rmtree(making, ignore_errors=True)


def _is_made(path: Path) -> bool:
    """Whether a database is there; SQLite makes an empty file of any that it opens."""
    return path.exists() and path.stat().st_size > 0


@contextmanager
def in_use(places: Places) -> Iterator[None]:
    """Use the embedded store; if it has moved, the addresses of its artifacts say so first.

    Meanwhile no other program changes them: one that runs where the same folder is mounted at
    another path would let this one's artifacts go to a folder that is not there.

    Raises:
        TrackingError: The database or its lock cannot be written, or a program uses the store by
            another path.
    """
    file, home = places.runs_file, places.runs_home
    if file is None or home is None or not file.exists():
        yield
        return
    with ExitStack() as use:
        try:
            with turn(_lock(file, "lock")):
                if former := former_homes(file, home):
                    with hold(_lock(file, "used"), str(file)):
                        count = rewrite(file, former, home)
                    log.warning(
                        "the store has moved from %s; its %d addresses now say so", former[0], count
                    )
                use.enter_context(share(_lock(file, "used")))
        except HeldError as error:
            raise TrackingError(
                f"another program uses the store {home} as {former[0]}; wait for it or stop it"
            ) from error
        except (OSError, sqlite3.Error) as error:
            raise TrackingError(f"cannot open {file}: {error}") from error
        yield


def _lock(database: Path, end: str) -> Path:
    return database.parent / "locks" / f".{database.name}.{end}"
