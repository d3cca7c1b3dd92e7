"""Trials that fail: each says why, and the study goes on, until too many fail in a row.

What the machine does to trainings is no failure of trials, which wait for the next session.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fmsearch.search.storage.storage import open_storage
from fmsearch.search.trial import State, Trial

from ..conftest import Command

MODEL = """\
import keras, os, pathlib, time

def build(input_shape, classes, *, kind):
    if kind == "raises":
        raise ValueError("no such\\n  layer")
    if kind == "dies":
        os._exit(9)
    if kind == "waits" and os.path.exists("hold"):
        pathlib.Path("begun").touch()
        time.sleep(60)
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
  kind: [fine, raises, dies, large, wide, untraceable, waits]
  learning_rate: [0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.007, 0.008, 0.009]
"""

Study = Callable[..., "subprocess.CompletedProcess[str]"]


def command(folder: Path, images: Path, *kinds: str) -> tuple[object, ...]:
    """The command of a study that begins with trials of these kinds, with one trainer."""
    (folder / "mine.py").write_text(MODEL)
    points = [f"{{kind: {kind}, learning_rate: 0.00{rate}}}" for rate, kind in enumerate(kinds, 1)]
    (folder / "own.yaml").write_text(f"{SPACE}published: [{', '.join(points)}]\n")
    options = ("--trials", len(kinds), "--jobs", 1, "--train-images", 400, "--offline")
    return ("study", "--space", "own.yaml", "--data", images, *options)


@pytest.fixture
def study(fmsearch: Study, images: Path, tmp_path: Path) -> Study:
    """Runs a study that begins with trials of these kinds, with one trainer."""

    def run(*kinds: str) -> subprocess.CompletedProcess[str]:
        return fmsearch(*command(tmp_path, images, *kinds))

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


def test_a_study_of_which_every_trial_failed_has_failed(study: Study, tmp_path: Path) -> None:
    done = study("raises", "raises")
    assert done.returncode == 1
    assert done.stderr == (
        "fmsearch: every trial failed, the last one: ValueError: no such layer\n"
    )
    assert [trial.state for trial in trials(tmp_path)] == [State.FAILED] * 2


def test_a_trial_that_ends_well_makes_an_end_of_the_failures_in_a_row(
    study: Study, tmp_path: Path
) -> None:
    done = study(*["raises"] * 4, "fine", *["raises"] * 4)
    assert done.returncode == 0, done.stderr
    failed = [State.FAILED] * 4
    assert [trial.state for trial in trials(tmp_path)] == [*failed, State.COMPLETE, *failed]


@pytest.mark.parametrize("kinds", [["dies"] * 5 + ["fine"], ["fine"] + ["dies"] * 6])
def test_trainers_that_die_over_five_trainings_in_a_row_are_no_failure_of_trials(
    study: Study, fmsearch: Study, images: Path, kinds: list[str], tmp_path: Path
) -> None:
    done = study(*kinds)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "fmsearch: this machine seems unable to train (its trainer died 3 times without a new "
        "epoch (exit code 9); trainings in a row that ended so: 5); no trial counts as failed for "
        "that. Where memory is short, more of it or fewer --jobs help; the same command goes on"
    )
    assert "Traceback" not in done.stderr
    assert State.FAILED not in [trial.state for trial in trials(tmp_path)]
    assert State.RUNNING not in [trial.state for trial in trials(tmp_path)]

    same = command(tmp_path, images, *kinds)
    (tmp_path / "mine.py").write_text(MODEL.replace('"dies"', '"no longer"'))
    again = fmsearch(*same)
    assert again.returncode == 0, again.stderr
    assert [trial.state for trial in trials(tmp_path)] == [State.COMPLETE] * len(kinds)


def test_trainings_for_which_there_is_no_memory_at_all_are_no_failure_of_trials(
    study: Study, tmp_path: Path
) -> None:
    done = study("large", "large")
    assert done.returncode == 1
    assert "(exit code 12: out of memory); trainings in a row that ended so: 2)" in done.stderr
    assert [trial.state for trial in trials(tmp_path)] == [State.WAITING] * 2


def test_a_kill_before_it_shows_who_is_at_fault_loses_and_doubles_nothing(
    begin: Callable[..., Command], fmsearch: Study, images: Path, tmp_path: Path
) -> None:
    same = command(tmp_path, images, "dies", "waits")
    (tmp_path / "hold").touch()
    killed = begin(*same)
    while not (tmp_path / "begun").exists():
        assert killed.poll() is None
        time.sleep(0.1)
    assert [trial.state for trial in trials(tmp_path)] == [State.RUNNING] * 2
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait(30)

    (tmp_path / "hold").unlink()
    done = fmsearch(*same)
    assert done.returncode == 0, done.stderr
    assert [trial.state for trial in trials(tmp_path)] == [State.FAILED, State.COMPLETE]
