"""Trials that fail: each says why, and the study goes on, until too many fail in a row."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fmsearch.search.storage.storage import open_storage
from fmsearch.search.trial import State, Trial

MODEL = """\
import keras, os

def build(input_shape, classes, *, kind):
    if kind == "raises":
        raise ValueError("no such\\n  layer")
    if kind == "dies":
        os._exit(9)
    images = keras.Input(input_shape)
    pixels = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(images))
    if kind == "large":  # petabytes: more than any machine can address
        pixels = keras.layers.RepeatVector(10**10)(pixels)
        pixels = keras.layers.GlobalAveragePooling1D()(pixels)
    if kind == "untraceable":
        pixels = Branching()(pixels)
    outputs = classes + (kind == "wide")
    return keras.Model(images, keras.layers.Dense(outputs, "softmax")(pixels))


class Branching(keras.layers.Layer):
    def call(self, x):
        return x if float(keras.ops.max(x)) < 2 else x / 2

    def compute_output_spec(self, x):
        return keras.KerasTensor(x.shape, x.dtype)
"""
SPACE = """\
name: own
model: mine:build
engine: optuna
sampler: random
pruner: none
score: {by: validation}
fixed: {epochs: 1}
parameters:
  kind: [fine, raises, dies, large, wide, untraceable]
  learning_rate: [0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.007, 0.008, 0.009]
"""

Study = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def study(fmsearch: Study, images: Path, tmp_path: Path) -> Study:
    """Runs a study that begins with trials of these kinds, with one trainer."""

    def run(*kinds: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "mine.py").write_text(MODEL)
        points = [
            f"{{kind: {kind}, learning_rate: 0.00{rate}}}" for rate, kind in enumerate(kinds, 1)
        ]
        (tmp_path / "own.yaml").write_text(f"{SPACE}published: [{', '.join(points)}]\n")
        options = ("--trials", len(kinds), "--jobs", 1, "--train-images", 400, "--offline")
        return fmsearch("study", "--space", "own.yaml", "--data", images, *options)

    return run


def trials(folder: Path) -> list[Trial]:
    return open_storage(f"sqlite:///{folder / 'mlruns' / 'studies.db'}").study("own").trials()


def test_a_trial_that_fails_says_why_and_the_study_goes_on(study: Study, tmp_path: Path) -> None:
    done = study("raises", "dies", "large", "fine")
    assert done.returncode == 0, done.stderr
    deaths = "its trainer died 3 times without a new epoch"
    assert [trial.reason for trial in trials(tmp_path)] == [
        "ValueError: no such layer",
        f"{deaths} (exit code 9)",
        f"{deaths} (exit code 12: out of memory)",
        "",
    ]
    assert [trial.state for trial in trials(tmp_path)] == [*[State.FAILED] * 3, State.COMPLETE]
    assert "Traceback" not in done.stderr


def test_a_users_network_that_fits_at_one_point_only_fails_elsewhere(
    study: Study, tmp_path: Path
) -> None:
    done = study("wide", "fine", "untraceable")
    assert done.returncode == 0, done.stderr
    wide, fine, untraceable = trials(tmp_path)
    assert wide.reason == "it gives outputs of shape (2, 11) for 2 images, not (2, 10)"
    assert fine.state is State.COMPLETE
    assert untraceable.reason.startswith("TypeError: in user code: ")
    assert "Arguments received by Branching.call()" in untraceable.reason
    assert "\x1b" not in untraceable.reason
    assert "Traceback" not in done.stderr


def test_five_failed_trials_in_a_row_stop_the_study(study: Study, tmp_path: Path) -> None:
    done = study(*["raises"] * 5, "fine")
    assert done.returncode == 1
    assert done.stderr == (
        "fmsearch: 5 trainings in a row failed, the last one: ValueError: no such layer\n"
    )
    assert [trial.state for trial in trials(tmp_path)][:5] == [State.FAILED] * 5
    assert State.COMPLETE not in [trial.state for trial in trials(tmp_path)]


def test_a_trial_that_ends_well_makes_an_end_of_the_failures_in_a_row(
    study: Study, tmp_path: Path
) -> None:
    done = study(*["raises"] * 4, "fine", *["raises"] * 4)
    assert done.returncode == 0, done.stderr
    failed = [State.FAILED] * 4
    assert [trial.state for trial in trials(tmp_path)] == [*failed, State.COMPLETE, *failed]
