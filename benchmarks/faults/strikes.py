"""Strikes: what each kind of fault does to a session that is running."""

from __future__ import annotations

import os
import random
import resource
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import psycopg
from killing.http_faults import FAULTS as OF_HTTP
from killing.session import Session
from killing.spaces import commands

from .scene import Scene, remove

JUMPS = (-400 * 86400, -86400, -3600, -5, 5, 3600, 86400, 400 * 86400)
"""Seconds."""
REQUEST_SECONDS = 3.0
"""How long a fault of HTTP waits for a request."""
MOST_BYTES = 65536
"""Of a file, on a disk that is full: the session's own log is shorter."""


@dataclass
class Struck:
    """A session that is running, and what belongs to it.

    Attributes:
        engine: Of the study.
        choose: Draws what is left to chance.
        others: Sessions that were begun beside it.
    """

    scene: Scene
    engine: str
    session: Session
    choose: random.Random
    others: list[Session] = field(default_factory=list)


Strike = Callable[[Struck], bool]
"""Does it; gives whether it happened: the session may have ended, or have said nothing since."""


def _http(fault: str, on: Struck) -> bool:
    """One request, the next one, gets the fault."""
    proxy = on.scene.proxy
    assert proxy is not None
    before, waiting = proxy.faults[fault], [fault]

    def choose(*_: str) -> str:
        with suppress(IndexError):
            return waiting.pop()
        return ""

    proxy.choose = choose
    until = time.monotonic() + REQUEST_SECONDS
    while waiting and on.session.code is None and time.monotonic() < until:
        time.sleep(0.01)
    proxy.choose = lambda *_: ""
    return proxy.faults[fault] > before


def _cut_connections(on: Struck) -> bool:
    """All connections, or one in two, are ended by the server."""
    part = on.choose.choice((0, 0.5))
    query = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid() AND random() >= %s"
    )
    with psycopg.connect(on.scene.database, autocommit=True) as connection:
        row = connection.execute(query, (part,)).fetchone()
    return row is not None and row[0] > 0


def _set_clock(on: Struck) -> bool:
    """All processes are killed, and the next ones begin at another time.

    The library cannot set the one clock of a running process without the other, by which Python
    measures and sleeps.
    """
    if on.session.code is not None:
        return False
    on.session.kill()
    on.scene.clock.write_text(f"{on.choose.choice(JUMPS):+d}")
    return on.session.code == -signal.SIGKILL


def _remove_scratch(on: Struck) -> bool:
    there = list(on.scene.scratch.iterdir())
    for one in there:
        remove(one)
    return bool(there)


def _remove_home(on: Struck) -> bool:
    if on.session.code is not None:
        return False
    remove(on.scene.home)
    return True


def _fill_disk(on: Struck) -> bool:
    """From now on no process of the session may make a file longer than `MOST_BYTES`."""
    there = on.session.everyone()
    for pid in there:
        with suppress(ProcessLookupError):
            _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (MOST_BYTES, hard))
    return bool(there)


def _signal(number: signal.Signals, on: Struck) -> bool:
    """To the one process, as `kill` does, but Ctrl-C to all."""
    if on.session.code is not None:
        return False
    with suppress(ProcessLookupError):
        (os.killpg if number == signal.SIGINT else os.kill)(on.session.pid, number)
        return True
    return False


def _register_too(elsewhere: bool, on: Struck) -> bool:
    """The same command again, in the same home or, as on another machine, in one of its own."""
    home = on.scene.folder / "elsewhere" / "mlruns" if elsewhere else on.scene.home
    home.parent.mkdir(exist_ok=True)
    _, register = commands(on.engine, home, on.scene.name, on.scene.options)
    log = on.scene.folder / f"other{len(on.others)}.log"
    on.others.append(Session(register, home, log, on.scene.environment))
    return on.session.code is None


STRIKES: dict[str, Strike] = {
    **{fault: partial(_http, fault) for fault in OF_HTTP},
    "cut connections": _cut_connections,
    "clock": _set_clock,
    "scratch folder removed": _remove_scratch,
    "home removed": _remove_home,
    "full disk": _fill_disk,
    "TERM": partial(_signal, signal.SIGTERM),
    "INT": partial(_signal, signal.SIGINT),
    "KILL": partial(_signal, signal.SIGKILL),
    "second register": partial(_register_too, False),
    "register elsewhere": partial(_register_too, True),
}
