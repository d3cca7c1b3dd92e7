"""The database of a storage, opened for one coordinator (SQLite) or for many (PostgreSQL)."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from ...addresses import POSTGRESQL, SQLITE, kind, sqlite_file, with_driver
from ...errors import FmsearchError, full_disk
from ...locks import turn
from ...redaction import redacted, shown
from ...sqlite import OPTUNA, write_ahead
from .optuna_private import cached
from .retrying import retry

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

    from .backend import Backend

FROZEN_SECONDS = 60
"""A coordinator that holds a lock for this long is taken for frozen, and loses the lock."""


class Database:
    """An Optuna storage, and a lock that one coordinator at a time holds.

    Attributes:
        backend: Reads and writes the database. It waits for an unreachable server, and for a file
            that another program has locked.
        optuna: The storage for Optuna's functions, which reads finished trials once.
        is_shared: Whether several coordinators may use it.
    """

    def __init__(self, backend: Backend, server: Engine | None) -> None:
        """Wrap what `open_database` has opened; `server` is None on SQLite."""
        self.backend = backend
        self.optuna = cached(backend)
        self.is_shared = server is not None
        self._server = server

    @contextlib.contextmanager
    def alone(self, what: str, frozen_seconds: int = FROZEN_SECONDS) -> Iterator[None]:
        """Hold the lock of that name, which one process has at a time; on SQLite do nothing.

        PostgreSQL releases it when the holder dies, or its connection is idle for `frozen_seconds`.
        """
        if self._server is None:
            yield
            return
        with _locked(self._server, what, frozen_seconds):
            yield

    def write_heartbeat(self, trial_id: int) -> None:
        """Write a heartbeat of a trial, which must be there.

        It is the server's clock in UTC, whatever zone the server, the role or the session has.
        Optuna's column has no zone, and its own `record_heartbeat` writes the session's time.
        """
        from sqlalchemy import text

        server = self._server
        if server is None:
            return
        query = text(
            "INSERT INTO trial_heartbeats (trial_id, heartbeat) "
            "VALUES (:id, timezone('UTC', now())) "
            "ON CONFLICT (trial_id) DO UPDATE SET heartbeat = excluded.heartbeat"
        )

        def write() -> None:
            with server.begin() as connection:
                connection.execute(query, {"id": trial_id})

        retry(write)

    def seconds_since_heartbeat(self, trial_ids: Sequence[int]) -> dict[int, float]:
        """Seconds since the last heartbeat of each of these trials that has one; none on SQLite."""
        from sqlalchemy import bindparam, text

        server = self._server
        if server is None:
            return {}

        query = text(
            "SELECT trial_id, extract(epoch FROM timezone('UTC', now()) - heartbeat) AS seconds "
            "FROM trial_heartbeats WHERE trial_id IN :ids"
        ).bindparams(bindparam("ids", list(trial_ids), expanding=True))

        def read() -> dict[int, float]:
            with server.connect() as connection:
                return {row.trial_id: float(row.seconds) for row in connection.execute(query)}

        return retry(read)


def open_database(url: str) -> Database:
    """Open the database of a storage; its tables are created if they are missing.

    Args:
        url: A URL of SQLAlchemy: `sqlite:////srv/studies.db` or `postgresql://…`.

    Raises:
        FmsearchError: It cannot be opened.
    """
    import optuna
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    open_one = {POSTGRESQL: _open_postgresql, SQLITE: _open_sqlite}.get(kind(url))
    if open_one is None:
        raise FmsearchError(
            f"the storage {shown(url)} is neither an SQLite file (sqlite:///…) "
            "nor on PostgreSQL (postgresql://…)"
        )
    where = f"the storage {shown(url)}"
    try:
        return open_one(url)
    except ImportError as error:
        way_out = "install fmsearch[postgresql]"
        raise FmsearchError(f"{where}: {_reason(error)}; {way_out}") from error
    except (ArgumentError, RuntimeError, ValueError) as error:
        raise FmsearchError(f"cannot use {where}: {_reason(error)}") from error
    except (OSError, sqlite3.Error, SQLAlchemyError) as error:
        if line := full_disk(error):
            raise FmsearchError(line) from error
        raise FmsearchError(f"cannot open {where}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return redacted(" ".join(str(getattr(error, "orig", None) or error).split()))


def _open_postgresql(url: str) -> Database:
    from sqlalchemy import create_engine

    # If the URL names no driver, use the one that the extra installs.
    url = with_driver(url, "psycopg")
    server = create_engine(url, pool_pre_ping=True)
    server.connect().close()  # fails at once if the address is wrong

    def open_backend() -> Backend:
        with _locked(server, "tables", FROZEN_SECONDS):  # one process creates them
            return _open_backend(url)

    return Database(retry(open_backend), server)


def _open_sqlite(url: str) -> Database:
    path = sqlite_file(url) or Path()
    with _turn(path):
        write_ahead(path, OPTUNA)
        return Database(_open_backend(url), None)


@contextlib.contextmanager
def _locked(server: Engine, what: str, frozen_seconds: int) -> Iterator[None]:
    from sqlalchemy import text
    from sqlalchemy.exc import DBAPIError

    key = int.from_bytes(hashlib.sha256(what.encode()).digest()[:8], "big", signed=True)

    def lock() -> Connection:
        connection = server.connect()
        limit = f"SET LOCAL idle_in_transaction_session_timeout = '{frozen_seconds}s'"
        connection.execute(text(limit))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
        return connection

    connection = retry(lock)
    try:
        yield
    finally:
        with contextlib.suppress(DBAPIError):  # the server has just gone away
            connection.rollback()
        connection.close()


def _turn(path: Path) -> AbstractContextManager[None]:
    """A lock for creating the tables, so that two studies that begin at once take turns."""
    locks = path.parent / "locks"  # exists if a study runs; others only read
    return turn(locks / f".{path.name}.lock") if locks.is_dir() else contextlib.nullcontext()


def _open_backend(url: str) -> Backend:
    from optuna.storages import RDBStorage

    from .backend import Backend

    return Backend(RDBStorage(url, engine_kwargs={"pool_pre_ping": True}))
