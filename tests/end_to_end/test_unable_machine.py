"""Machines on which nothing can be trained: one line, and the same command does all elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fmsearch.search.trial import State

from ..conftest import Run
from .records import trials

GRID = """\
name: small
model: mlp
engine: keras_tuner
score: {by: cross_validation, folds: 2}
fixed: {hidden_units: 4, epochs: 1}
parameters: {batch_size: [64, 128]}
"""
OPTUNA = """\
name: small
model: mlp
engine: optuna
sampler: random
pruner: none
score: {by: validation}
fixed: {hidden_units: 4, epochs: 1}
parameters: {batch_size: [64, 128]}
trials: 2
"""
BROKEN = {
    "library": "raise ImportError('libcudart.so.12: cannot open shared object file')",
    "version": "raise AttributeError('_ARRAY_API not found')",
    "memory": "raise ImportError('libx.so: failed to map segment from shared object')",
}
CANNOT_LOAD = "fmsearch: TensorFlow and Keras cannot be loaded here ({}); mend that, "
LINES = {
    "library": CANNOT_LOAD.format("ImportError: libcudart.so.12: cannot open shared object file"),
    "version": CANNOT_LOAD.format("AttributeError: _ARRAY_API not found"),
    "memory": "fmsearch: this machine has too little memory, or lets one have too little (libx.so: "
    "failed to map segment from shared object); the same command goes on where there is more, or "
    "with fewer --jobs",
}


def study(space: str, images: Path, folder: Path) -> tuple[object, ...]:
    (folder / "space.yaml").write_text(space)
    where = ("--space", "space.yaml", "--data", images)
    return ("study", *where, "--train-images", 200, "--jobs", 2, "--offline")


@pytest.mark.parametrize("space", [GRID, OPTUNA], ids=["grid", "optuna"])
@pytest.mark.parametrize("kind", BROKEN)
def test_a_tensorflow_that_cannot_be_loaded_is_one_line_and_no_trials_failure(
    kind: str, space: str, installed: Run, fmsearch: Run, images: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken" / "tensorflow").mkdir(parents=True)
    (tmp_path / "broken" / "tensorflow" / "__init__.py").write_text(BROKEN[kind])
    paths = [str(tmp_path / "broken"), *os.environ.get("PYTHONPATH", "").split(":")]
    command = study(space, images, tmp_path)
    done = installed(*command, PYTHONPATH=":".join(filter(None, paths)))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(LINES[kind])
    assert {trial.state for trial in trials(tmp_path / "mlruns", "small")} <= {State.WAITING}

    assert fmsearch(*command).returncode == 0
    states = [trial.state for trial in trials(tmp_path / "mlruns", "small")]
    assert states == [State.COMPLETE] * 2


def test_a_keras_json_that_keras_refuses_is_one_line(
    installed: Run, images: Path, tmp_path: Path
) -> None:
    (tmp_path / "keras.json").write_text('{"floatx": "float12"}')
    done = installed(*study(OPTUNA, images, tmp_path), KERAS_HOME=str(tmp_path))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "cannot be loaded here (ValueError: Invalid `floatx` configuration." in line
    assert {trial.state for trial in trials(tmp_path / "mlruns", "small")} <= {State.WAITING}
