"""Settings of Keras and TensorFlow that a user has: trainings come out the same."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from fmsearch.models.environment_variables import FIXED

from ..conftest import Run
from .records import table

SPACE = """\
name: small
model: cnn
engine: optuna
sampler: random
pruner: none
score: {by: validation}
fixed: {epochs: 1, dropout_rate: 0.2, batch_size: 64}
parameters: {learning_rate: {float: [0.001, 0.01]}, optimizer: [adam, sgd]}
"""
KERAS_JSON = {
    "double": {"floatx": "float64", "epsilon": 1e-3, "image_data_format": "channels_first"},
    "half, another backend": {"backend": "jax", "nnx_enabled": True, "floatx": "float16"},
}
VARIABLES = {
    "known": {
        "KERAS_NNX_ENABLED": "true",
        "KERAS_MAX_EPOCHS": "1",
        "TF_DETERMINISTIC_OPS": "1",
        "TF_CUDNN_DETERMINISTIC": "1",
        "TF_NUM_INTRAOP_THREADS": "4",
        "TF_NUM_INTEROP_THREADS": "4",
        "OMP_NUM_THREADS": "4",
        "TF_XLA_FLAGS": "--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit",
        "TF_FUNCTION_JIT_COMPILE_DEFAULT": "true",
        "TF_ENABLED_DEVICE_TYPES": "XLA_CPU",
        "CUDA_VISIBLE_DEVICES": "0",
    },
    "nonsense": {
        "KERAS_MAX_STEPS_PER_EPOCH": "none",
        "TF_XLA_FLAGS": "--nonsense",
        "XLA_FLAGS": "--nonsense",
    },
}
ANOTHER_BACKEND = (
    "WARNING fmsearch.models.environment_variables: "
    "KERAS_BACKEND=jax is not followed; in trainings it is tensorflow\n"
)


def study(installed: Run, images: Path, folder: Path, *options: str, **environment: str) -> str:
    """Run the study in a home of its own; gives what is said of errors."""
    folder.mkdir(exist_ok=True)
    (folder / "space.yaml").write_text(SPACE)
    where = ("--space", folder / "space.yaml", "--data", images, "--home", folder / "mlruns")
    size = ("--trials", 2, "--train-images", 300, "--jobs", 1, "--offline")
    done = installed(*options, "study", *where, *size, **environment)
    assert done.returncode == 0, done.stderr
    return str(done.stderr)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the study of a clean environment, which all tests compare with."""
    return tmp_path_factory.mktemp("clean")


@pytest.fixture
def expected(clean: Path, installed: Run, images: Path) -> list[tuple[object, ...]]:
    """The trials of the study in a clean environment."""
    if not (clean / "mlruns").exists():
        assert study(installed, images, clean, KERAS_HOME=str(clean / "keras")) == ""
    return table(clean / "mlruns", "small")


@pytest.mark.parametrize("config", KERAS_JSON.values(), ids=KERAS_JSON)
def test_a_users_keras_json_changes_no_number(
    config: dict[str, object],
    expected: list[object],
    installed: Run,
    images: Path,
    tmp_path: Path,
) -> None:
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text(json.dumps(config))
    home = {"HOME": str(tmp_path)}
    if "backend" not in config:  # by the other way to that file
        home = {"KERAS_HOME": str(tmp_path / ".keras")}
    said = study(installed, images, tmp_path, "-v", **home)
    assert table(tmp_path / "mlruns", "small") == expected
    lines = re.findall("keras.json: (.*) is not followed; in trainings it is ", said)
    silent = ("backend", "nnx_enabled")  # which only say what Keras is loaded with
    assert lines == [f"{name} {value}" for name, value in config.items() if name not in silent]


@pytest.mark.parametrize("variables", VARIABLES.values(), ids=VARIABLES)
def test_a_users_variables_change_no_number(
    variables: dict[str, str], expected: list[object], installed: Run, images: Path, tmp_path: Path
) -> None:
    said = study(installed, images, tmp_path, "-v", **variables)
    assert table(tmp_path / "mlruns", "small") == expected
    for name, value in variables.items():
        is_said = f"{name}={value} is not followed; in trainings it is " in said
        assert is_said == (name in FIXED)


def test_another_backend_of_keras_is_one_line(
    expected: list[object], installed: Run, images: Path, tmp_path: Path
) -> None:
    assert study(installed, images, tmp_path, KERAS_BACKEND="jax") == ANOTHER_BACKEND
    assert table(tmp_path / "mlruns", "small") == expected
