"""Ctrl-C, and a trainer that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient

OPTIONS = ("--train-images", 400)


@pytest.fixture
def begin(tmp_path: Path):  # type: ignore[no-untyped-def]
    """Starts a study in the background; it is ended with the test."""
    processes = []

    def run(*arguments: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "fmsearch.cli", "study", *map(str, arguments)],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # A shell's background jobs ignore Ctrl-C; these tests may be one.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.wait()


def scores(store: Path) -> dict[int, tuple[str, ...]]:
    """Each trial's state, score and fold scores, as the ledger has them, to the last bit."""
    from fmsearch.search.ledger import Ledger

    trials = Ledger(f"sqlite:///{store / 'studies.db'}").study("small").trials()
    return {t.number: (t.state.value, repr(t.score), repr(t.fold_scores)) for t in trials}


def trial_runs(store: Path) -> list:  # type: ignore[type-arg]
    client = MlflowClient(f"sqlite:///{store / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("fmsearch")
    assert experiment is not None
    return client.search_runs([experiment.experiment_id], "tags.`fmsearch.role` = 'trial'")


def test_ctrl_c_ends_cleanly_and_the_same_command_does_the_rest(  # type: ignore[no-untyped-def]
    begin, fmsearch, small_grid, images, tmp_path
) -> None:
    arguments = ("--space", small_grid, "--data", images, "--jobs", 1, *OPTIONS)
    process = begin(*arguments)
    for line in process.stdout:
        if line.startswith("[2/8]"):
            break
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: all processes of the command
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == "fmsearch: interrupted; the same command goes on from here\n"
    before = scores(tmp_path / "mlruns")
    finished = {number for number, (state, *_) in before.items() if state == "complete"}
    assert 2 <= len(finished) < 8
    assert {state for state, *_ in before.values()} == {"complete", "waiting"}

    done = fmsearch("study", *arguments)
    assert done.returncode == 0, done.stderr
    assert f"{len(finished)} of them finished before" in done.stdout
    after = scores(tmp_path / "mlruns")
    assert {number: after[number] for number in finished} == {n: before[n] for n in finished}
    runs = trial_runs(tmp_path / "mlruns")
    assert sorted(int(run.data.tags["fmsearch.trial"]) for run in runs) == list(range(8))
    assert {run.info.status for run in runs} == {"FINISHED"}

    whole = tmp_path / "whole"
    fmsearch("study", *arguments, "--home", whole, "--offline")
    assert scores(whole) == after


def test_a_killed_trainer_is_replaced_and_its_trials_are_finished(  # type: ignore[no-untyped-def]
    begin, small_grid, images, tmp_path
) -> None:
    process = begin("--space", small_grid, "--data", images, "--jobs", 1, "--offline", *OPTIONS)
    assert process.stdout.readline().startswith("small: 8 trials")
    deadline = time.monotonic() + 60
    while len(forked := grandchildren(process.pid)) < 2:  # Keras Tuner's process is the first one
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(max(forked), signal.SIGKILL)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0
    assert (
        "a trainer died (exit code -9: killed, as the system does when memory runs out)" in errors
    )
    assert {state for state, *_ in scores(tmp_path / "mlruns").values()} == {"complete"}


def grandchildren(pid: int) -> list[int]:
    """Children of a process's children: trainers are forked by a process of their own."""
    children = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    return [one for child in children.get(pid, []) for one in children.get(child, [])]


def test_ctrl_c_before_the_first_trial_is_one_line(begin, small_grid, images) -> None:  # type: ignore[no-untyped-def]
    process = begin("--space", small_grid, "--data", images, "--jobs", 1, *OPTIONS)
    deadline = time.monotonic() + 30
    while not grandchildren(os.getpid()):  # the process that loads TensorFlow for the trainers
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == "fmsearch: interrupted; the same command goes on from here\n"
