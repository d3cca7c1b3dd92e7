"""Retrying calls on a database while its server is unreachable or its file is locked."""

from __future__ import annotations

import logging
import math
import sqlite3
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from ...errors import FmsearchError, full_disk

if TYPE_CHECKING:
    from tenacity import RetryCallState

log = logging.getLogger(__name__)
T = TypeVar("T")

RETRY_SECONDS = 600.0
"""How long to wait for an unreachable PostgreSQL server, or for an SQLite file that another program
has locked."""


class _Outage:
    """When a database last did not answer this process."""

    ended_at = -math.inf


_outage = _Outage()


def seconds_since_outage() -> float:
    """Seconds since a database last did not answer this process."""
    return time.monotonic() - _outage.ended_at


def retry(call: Callable[[], T]) -> T:
    """Call a function, and again while its database is unreachable or locked.

    Raises:
        FmsearchError: The database did not answer for `RETRY_SECONDS`.
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
            stop=stop_after_delay(RETRY_SECONDS),
            before_sleep=_log_retry,
            reraise=True,
        )(call)
    except Exception as error:
        if not _is_outage(error):
            raise
        raise FmsearchError(
            f"the storage does not answer for {RETRY_SECONDS:.0f} s; results wait in the outbox, "
            "and the same command goes on"
        ) from error


def _log_retry(state: RetryCallState) -> None:
    _outage.ended_at = time.monotonic()
    log.warning("the storage does not answer; trying again in %.1f s", state.upcoming_sleep)


def _is_outage(error: BaseException | None) -> bool:
    if error is None or full_disk(error):
        return False
    from sqlalchemy.exc import InterfaceError, OperationalError, PendingRollbackError

    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", None)
    if code is not None:  # the low byte is the primary code
        return bool(code & 0xFF == sqlite3.SQLITE_BUSY)
    # PendingRollbackError: the next statement of a session whose connection was cut.
    kinds = (OperationalError, InterfaceError, PendingRollbackError)
    return isinstance(error, kinds) or _is_outage(error.__cause__)
