"""Places: where the parts of a store are, in one folder or on servers."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import tempfile
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from .addresses import (
    SERVERS,
    check_tracking_uri,
    kind,
    resolved,
    sqlite_address,
    sqlite_file,
)
from .artifact_addresses import ARTIFACTS, former_homes, rewrite
from .errors import FmsearchError
from .locks import turn
from .sqlite import checkpoint, copy_to_look_at, may_be_written

EXPERIMENT = "fmsearch"
MOST_EXPERIMENT_CHARACTERS = 500
"""MLflow's limit."""
ANSWER_SECONDS = (5.0, 20.0)
"""Time to connect and time to answer. A server that has just started, or is busy, is slow."""
LEAST_FREE_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Places:
    """The parts of a store.

    Attributes:
        home: The folder for everything that stays on this machine.
        tracking_uri: MLflow's: the URL of a database, or the address of an HTTP server.
        storage: SQLAlchemy's URL of the storage.
        experiment: Name of the experiment in MLflow.
    """

    home: Path
    tracking_uri: str
    storage: str
    experiment: str = EXPERIMENT

    @classmethod
    def of(
        cls,
        home: Path,
        tracking_uri: str | None = None,
        storage: str | None = None,
        experiment: str = EXPERIMENT,
    ) -> Places:
        """Places in `home`, except those that are given.

        Raises:
            FmsearchError: An address is malformed, or MLflow would refuse the experiment's name.
        """
        home = _absolute(home)
        uri = tracking_uri or sqlite_address(home / "mlflow.db")
        check_tracking_uri(uri)
        storage = storage or sqlite_address(home / "studies.db")
        if not experiment.strip() or len(experiment) > MOST_EXPERIMENT_CHARACTERS:
            raise FmsearchError(
                f"--experiment {experiment!r} must be 1 to {MOST_EXPERIMENT_CHARACTERS} characters"
            )
        return cls(home, resolved(uri), resolved(storage), experiment)

    @property
    def is_server(self) -> bool:
        """Whether an MLflow server has the runs; else this process writes them to a database."""
        return kind(self.tracking_uri) in SERVERS

    @property
    def runs_file(self) -> Path | None:
        """MLflow's SQLite file; None if the runs are kept otherwise."""
        return sqlite_file(self.tracking_uri)

    @property
    def storage_file(self) -> Path | None:
        """The storage's SQLite file; None if it is kept otherwise."""
        return sqlite_file(self.storage)

    @property
    def artifacts(self) -> Path:
        """The folder of the embedded store's artifacts, by its one real path."""
        return Path(os.path.realpath(self.home), ARTIFACTS)

    @property
    def runs_home(self) -> Path | None:
        """The folder of MLflow's SQLite file, if the artifacts beside it move with it."""
        if self.runs_file is None:
            return None
        beside = self.runs_file.parent / ARTIFACTS
        return beside.parent if beside == self.artifacts or beside.is_dir() else None

    def worker(self) -> str:
        """The name of this home among all that share a storage; `prepare` draws it.

        Raises:
            FmsearchError: The file with the name is damaged.
        """
        file = self.home / "worker"
        try:
            name = file.read_text("ascii") if file.exists() else ""
        except (OSError, UnicodeDecodeError):
            name = "?"
        if not re.fullmatch("[0-9a-f]*", name):
            raise FmsearchError(f"{file} has not the name of a worker; remove it")
        return name

    def outbox(self, label: str) -> Path:
        """The folder of results that MLflow does not have yet, of the study with this label."""
        return self.home / "outbox" / label

    def lock(self, study: str) -> Path:
        """The lock file of a study's coordinator on this machine, beside the storage."""
        beside = self.storage_file.parent if self.storage_file else self.home
        return beside / "locks" / f"{study}.lock"

    @property
    def has_storage(self) -> bool:
        """Whether the storage may exist; who only reads asks this first and creates nothing.

        Raises:
            FmsearchError: The storage's folder cannot be read.
        """
        return _may_exist(self.storage_file)

    @property
    def has_runs(self) -> bool:
        """Whether MLflow's store may exist, as `has_storage`."""
        return _may_exist(self.runs_file)

    def to_look_at(self, scratch: Callable[[], Path]) -> Places:
        """The places for a command that only reads: databases that may not be written are copied.

        Even to be read, a database is opened for writing, by SQLite, Optuna and MLflow. Where the
        store has moved, the copy says so.

        Args:
            scratch: Gives the folder for the copies.

        Raises:
            FmsearchError: A database cannot be read.
        """

        def looked_at(address: str, file: Path | None, part: str) -> str:
            if file is None or not _may_exist(file) or may_be_written(file):
                return address
            copy = scratch() / part / file.name
            try:
                copy_to_look_at(file, copy)
            except OSError as error:
                raise FmsearchError(f"cannot read {file}: {error.strerror}") from error
            return sqlite_address(copy)

        looked = replace(
            self,
            storage=looked_at(self.storage, self.storage_file, "storage"),
            tracking_uri=looked_at(self.tracking_uri, self.runs_file, "runs"),
        )
        copy, home = looked.runs_file, self.runs_home
        if copy is not None and copy != self.runs_file and home is not None:
            with suppress(sqlite3.Error):  # who opens a damaged database says so
                rewrite(copy, former_homes(copy, home), home)
        return looked

    def close(self) -> None:
        """Let the SQLite files be complete without the files beside them."""
        for file in (self.storage_file, self.runs_file):
            if file is not None:
                checkpoint(file)

    def prepare(self) -> None:
        """Create the folder, and what belongs into it.

        Raises:
            FmsearchError: It cannot be created or written, or its disk is almost full.
        """
        folder = self.home
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.home) as probe:
                probe.write(b"\0" * 65536)
            if self.storage_file is None:
                _name_worker(self.home)
            free = shutil.disk_usage(self.home).free
            folder = self.home / "outbox"
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise FmsearchError(f"cannot write in {folder}: {error.strerror}") from error
        if free < LEAST_FREE_BYTES:
            raise FmsearchError(
                f"{self.home} has only {free // 2**20} MB of free space; "
                f"a study needs at least {LEAST_FREE_BYTES // 2**20} MB"
            )


def working_folder() -> Path:
    """The folder in which the program runs.

    Raises:
        FmsearchError: It was deleted meanwhile.
    """
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise FmsearchError("the working folder is gone; change into one that is there") from error


def _absolute(home: Path) -> Path:
    absolute = working_folder() / home
    try:
        str(absolute).encode()
    except UnicodeEncodeError as error:
        name = os.fsencode(absolute).decode("utf-8", "backslashreplace")
        raise FmsearchError(
            f"the folder {name} has a name that is no UTF-8, which databases cannot keep; "
            "name another one with --home"
        ) from error
    return absolute


def _may_exist(file: Path | None) -> bool:
    try:
        return file is None or file.exists()
    except OSError as error:
        raise FmsearchError(f"cannot read {file}: {error.strerror}") from error


def _name_worker(home: Path) -> None:
    with turn(home / "locks" / ".worker.lock"):  # one process at a time
        if not (file := home / "worker").exists():
            part = home / ".worker.part"
            part.write_text(uuid.uuid4().hex[:12], "utf-8")
            part.replace(file)
