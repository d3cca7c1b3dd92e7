"""Places: where the parts of a store are, in one folder or on servers."""

from __future__ import annotations

import re
import shutil
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from .errors import FmsearchError
from .locks import turn

EXPERIMENT = "fmsearch"
SQLITE = "sqlite:///"
DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
IN_MEMORY = re.compile(r"sqlite(\+\w+)?:(//)?/?(:memory:)?")
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
        home = home.absolute()
        uri = tracking_uri or f"sqlite:///{home / 'mlflow.db'}"
        _check_tracking_uri(uri)
        storage = storage or f"sqlite:///{home / 'studies.db'}"
        for address in (uri, storage):
            if IN_MEMORY.fullmatch(address):
                raise FmsearchError(
                    f"{address} keeps nothing; a file is like sqlite:///mlruns/a.db"
                )
        if not experiment.strip() or len(experiment) > MOST_EXPERIMENT_CHARACTERS:
            raise FmsearchError(
                f"--experiment {experiment!r} must be 1 to {MOST_EXPERIMENT_CHARACTERS} characters"
            )
        return cls(home, uri, storage, experiment)

    @property
    def is_server(self) -> bool:
        """Whether an MLflow server has the runs; else this process writes them to a database."""
        return self.tracking_uri.startswith(("http://", "https://"))

    @property
    def artifacts(self) -> Path:
        """The folder of the embedded store's artifacts."""
        return self.home / "artifacts"

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
        embedded = self.storage.startswith(SQLITE)
        beside = Path(self.storage.removeprefix(SQLITE)).parent if embedded else self.home
        return beside / "locks" / f"{study}.lock"

    @property
    def has_storage(self) -> bool:
        """Whether the storage may exist; who only reads asks this first and creates nothing.

        Raises:
            FmsearchError: The storage's folder cannot be read.
        """
        return _may_exist(self.storage)

    @property
    def has_runs(self) -> bool:
        """Whether MLflow's store may exist, as `has_storage`."""
        return _may_exist(self.tracking_uri)

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
            if not self.storage.startswith(SQLITE):
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


def _may_exist(url: str) -> bool:
    try:
        return not url.startswith(SQLITE) or Path(url.removeprefix(SQLITE)).exists()
    except OSError as error:
        raise FmsearchError(f"cannot read {url}: {error.strerror}") from error


def _check_tracking_uri(uri: str) -> None:
    try:
        parts = urlsplit(uri)
        scheme, is_host = parts.scheme.split("+")[0], bool(parts.hostname) and parts.port != 0
    except ValueError:  # invalid brackets or port
        scheme, is_host = "", False
    if not (scheme in DATABASES and "://" in uri) and not (scheme in ("http", "https") and is_host):
        raise FmsearchError(
            f"the tracking URI {shown(uri)!r} is neither an http(s) address nor a database URL "
            "such as sqlite:///mlruns/mlflow.db"
        )


def shown(uri: str) -> str:
    """An address without its secrets, for output and logs."""
    uri = re.sub(r"(://[^/@:]*):[^/]*@", r"\1:***@", uri)
    uri = re.sub(r"(https?://)[^/@:]+@", r"\1***@", uri)  # a token alone
    # This is no password, but the pattern that hides passwords.
    secret = r"(?i)([?&][^=&]*(?:password|passfile|token|secret)[^=&]*=)[^&]*"  # nosec B105
    return re.sub(secret, r"\1***", uri)


def _name_worker(home: Path) -> None:
    with turn(home / "locks" / ".worker.lock"):  # one process at a time
        if not (file := home / "worker").exists():
            part = home / ".worker.part"
            part.write_text(uuid.uuid4().hex[:12], "utf-8")
            part.replace(file)
