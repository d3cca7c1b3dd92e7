"""What the tests share: real images, small spaces and ways to run the program."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

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


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def fmsearch(tmp_path: Path) -> Run:
    """Runs the installed program in an empty folder, as a user does."""

    def run(*arguments: object, **environment: str) -> "subprocess.CompletedProcess[str]":
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
