"""Storages: the database of a ledger, opened for one coordinator (SQLite) or many (PostgreSQL)."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import math
import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import FmsearchError
from ..full_disk import full_disk
from ..tracking.places import SQLITE, shown
from ..tracking.sqlite import OPTUNA, write_ahead
from ..tracking.turns import turn

if TYPE_CHECKING:
    from optuna.storages import BaseStorage, RDBStorage
    from optuna.trial import FrozenTrial, TrialState
    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import Connection, Engine
    from tenacity import RetryCallState

log = logging.getLogger(__name__)
T = TypeVar("T")

POSTGRESQL = "postgresql"
PATIENCE_SECONDS = 600.0
"""How long a coordinator waits for a PostgreSQL server that went away, or for another program that
holds an SQLite file."""
FROZEN_SECONDS = 60
"""A coordinator that holds a lock for so long is taken for frozen, and loses it."""


class LedgerStorage:
    """An Optuna storage, and a lock that one coordinator at a time holds.

    Attributes:
        optuna: The storage as Optuna takes it. It waits for a server that went away, and for a file
            that another program holds.
        is_shared: Whether several coordinators may use it.
    """

    def __init__(self, url: str) -> None:
        """Open a storage, creating its tables if need be.

        Args:
            url: SQLAlchemy's: `sqlite:////srv/studies.db` or `postgresql://…`.

        Raises:
            FmsearchError: It cannot be opened.
        """
        import optuna
        from sqlalchemy import create_engine
        from sqlalchemy.exc import ArgumentError, SQLAlchemyError

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.is_shared = url.startswith(POSTGRESQL)
        if not self.is_shared and not url.startswith(SQLITE):
            raise FmsearchError(
                f"the ledger {shown(url)} is neither an SQLite file (sqlite:///…) "
                "nor on PostgreSQL (postgresql://…)"
            )
        try:
            if self.is_shared:
                # With the driver that the extra installs, where none is named.
                driven = url.replace(f"{POSTGRESQL}://", f"{POSTGRESQL}+psycopg://", 1)
                self._engine: Engine = create_engine(driven, pool_pre_ping=True)
                self._engine.connect().close()  # a wrong address is found out at once
                with self.alone("tables"):  # made by one of those that find none
                    self.optuna: BaseStorage = _open(driven)
            else:
                path = Path(url.removeprefix(SQLITE))
                with _turn(path):
                    write_ahead(path, OPTUNA)
                    self.optuna = _open(url)
        except ImportError as error:
            way_out = "install fmsearch[postgresql]"
            raise FmsearchError(f"the ledger {shown(url)}: {error}; {way_out}") from error
        except (ArgumentError, RuntimeError, ValueError) as error:
            raise FmsearchError(f"cannot use the ledger {shown(url)}: {error}") from error
        except (OSError, sqlite3.Error, SQLAlchemyError) as error:
            if line := full_disk(error):
                raise FmsearchError(line) from error
            reason = " ".join(str(getattr(error, "orig", None) or error).split())
            raise FmsearchError(f"cannot open the ledger {shown(url)}: {reason}") from error

    @contextlib.contextmanager
    def alone(self, what: str, frozen_seconds: int = FROZEN_SECONDS) -> Iterator[None]:
        """Hold the lock of that name, which nobody else has meanwhile; nothing on SQLite.

        PostgreSQL frees it when the holder dies, or does nothing with it for `frozen_seconds`.
        """
        if not self.is_shared:
            yield
            return
        from sqlalchemy import text
        from sqlalchemy.exc import DBAPIError

        key = int.from_bytes(hashlib.sha256(what.encode()).digest()[:8], "big", signed=True)

        def lock() -> Connection:
            connection = self._engine.connect()
            limit = f"SET LOCAL idle_in_transaction_session_timeout = '{frozen_seconds}s'"
            connection.execute(text(limit))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
            return connection

        connection = patiently(lock)
        try:
            yield
        finally:
            with contextlib.suppress(DBAPIError):  # of a server that has just gone away
                connection.rollback()
            connection.close()

    def silences(self, trial_ids: Sequence[int]) -> dict[int, float]:
        """For each of these for which somebody ever said that they live: seconds since then."""
        from sqlalchemy import bindparam, text

        # Optuna keeps the server's own time, without its zone.
        query = text(
            "SELECT trial_id, extract(epoch FROM localtimestamp - heartbeat) AS seconds "
            "FROM trial_heartbeats WHERE trial_id IN :ids"
        ).bindparams(bindparam("ids", list(trial_ids), expanding=True))

        def read() -> dict[int, float]:
            with self._engine.connect() as connection:
                return {row.trial_id: float(row.seconds) for row in connection.execute(query)}

        return patiently(read)

    def answers_for(self) -> float:
        """Seconds since the server was last away, as far as this process knows."""
        return time.monotonic() - _outage.ended_at


class _Outage:
    """When this process last met a server that did not answer."""

    ended_at = -math.inf


_outage = _Outage()


def _turn(path: Path) -> AbstractContextManager[None]:
    """Two studies that begin at once make the tables one after the other; others only read."""
    locks = path.parent / "locks"  # where a study holds a lock already
    return turn(locks / f".{path.name}.lock") if locks.is_dir() else contextlib.nullcontext()


def _open(url: str) -> BaseStorage:
    """Finished trials are read once, as with `optuna.load_study`."""
    from optuna.storages import RDBStorage
    from optuna.storages._cached_storage import _CachedStorage

    backend: Any = _Backend(RDBStorage(url, engine_kwargs={"pool_pre_ping": True}))
    return _CachedStorage(backend)


class _Backend:
    """A storage's backend that waits for a database that is away, and reads a grid's points once.

    Each call is made again until the database answers, and may then have been carried out twice. A
    change to a finished trial is refused; a taken trial shows its mark; a trial that was asked for
    twice has no sign of life, and is given back.
    """

    def __init__(self, backend: RDBStorage) -> None:
        self._backend = backend
        self._waiting: defaultdict[int, set[int]] = defaultdict(set)
        self._newest: defaultdict[int, int] = defaultdict(lambda: -1)

    def delete_study(self, study_id: int) -> None:
        """As Optuna's; its number, and those of its trials, may be given again."""
        patiently(lambda: self._backend.delete_study(study_id))
        self._waiting.pop(study_id, None)
        self._newest.pop(study_id, None)

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """As Optuna's."""
        from .trial_rows import among

        (trial,) = self._read(among([trial_id]))
        return trial

    def _get_trials(
        self,
        study_id: int,
        states: Container[TrialState] | None,  # noqa: ARG002  # Optuna's cache asks for all
        included_trial_ids: set[int],
        trial_id_greater_than: int,
    ) -> list[FrozenTrial]:
        """As Optuna's cache asks for trials that may have changed, but for those that still wait.

        A waiting trial never changes; Optuna would read all of a grid with each look at it.
        """
        from optuna.trial import TrialState
        from sqlalchemy import and_, or_

        from .trial_rows import TRIALS, among

        number, waits = TRIALS.c.trial_id, TRIALS.c.state == TrialState.WAITING
        known = self._waiting[study_id]
        changed = or_(among(included_trial_ids), number > trial_id_greater_than)
        new = or_(among(included_trial_ids - known), number > self._newest[study_id])
        which = or_(and_(~waits, changed), and_(waits, new))
        trials = self._read(and_(TRIALS.c.study_id == study_id, which))
        for trial in trials:
            keep = known.add if trial.state is TrialState.WAITING else known.discard
            keep(trial._trial_id)
            self._newest[study_id] = max(self._newest[study_id], trial._trial_id)
        return trials

    def _read(self, which: ColumnElement[bool]) -> list[FrozenTrial]:
        from .trial_rows import read_trials

        def read() -> list[FrozenTrial]:
            with self._backend.engine.connect() as connection:
                return read_trials(connection, which)

        return patiently(read)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._backend, name)

        def call(*args: Any, **named: Any) -> Any:
            return patiently(lambda: found(*args, **named))

        return call if callable(found) else found


def patiently(call: Callable[[], T]) -> T:
    """Make a call on a database again and again while its server is away or its file is held.

    Raises:
        FmsearchError: It did not come back.
    """
    from tenacity import (
        Retrying,
        retry_if_exception,
        stop_after_delay,
        wait_exponential,
    )

    try:
        return Retrying(
            retry=retry_if_exception(_is_outage),
            wait=wait_exponential(multiplier=0.2, max=5),
            stop=stop_after_delay(PATIENCE_SECONDS),
            before_sleep=_say_so,
            reraise=True,
        )(call)
    except Exception as error:
        if not _is_outage(error):
            raise
        raise FmsearchError(
            f"the ledger does not answer for {PATIENCE_SECONDS:.0f} s; results wait in the outbox, "
            "and the same command goes on"
        ) from error


def _say_so(state: RetryCallState) -> None:
    _outage.ended_at = time.monotonic()
    log.warning("the ledger does not answer; trying again in %.1f s", state.upcoming_sleep)


def _is_outage(error: BaseException | None) -> bool:
    if error is None or full_disk(error):
        return False
    from sqlalchemy.exc import InterfaceError, OperationalError, PendingRollbackError

    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", None)
    if code is not None:  # its low byte is the kind
        return bool(code & 0xFF == sqlite3.SQLITE_BUSY)
    # The last one: where a line is cut while it reads all trials, Optuna asks another way on it.
    kinds = (OperationalError, InterfaceError, PendingRollbackError)
    return isinstance(error, kinds) or _is_outage(error.__cause__)
