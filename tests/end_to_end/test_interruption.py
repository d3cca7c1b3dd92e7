"""Ctrl-C, and a trainer that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from fmsearch.search.trial import State

from ..conftest import PROGRAM
from .records import runs, table, trials

OPTIONS = ("--train-images", 400)


def test_ctrl_c_ends_cleanly_and_the_same_command_does_the_rest(  # type: ignore[no-untyped-def]
    begin, fmsearch, small_grid, images, tmp_path
) -> None:
    arguments = ("study", "--space", small_grid, "--data", images, "--jobs", 1, *OPTIONS)
    process = begin(*arguments)
    for line in process.stdout:
        if line.startswith("[2/8]"):
            break
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: all processes of the command
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == "fmsearch: interrupted; the same command goes on from here\n"
    before = table(tmp_path / "mlruns", "small")
    finished = [row for row in before if row[1] is State.COMPLETE]
    assert 2 <= len(finished) < 8
    assert {row[1] for row in before} == {State.COMPLETE, State.WAITING}

    done = fmsearch(*arguments)
    assert done.returncode == 0, done.stderr
    assert f"{len(finished)} of them finished before" in done.stdout
    after = table(tmp_path / "mlruns", "small")
    assert all(row in after for row in finished)
    shipped = runs(tmp_path / "mlruns")
    assert sorted(int(run.data.tags["fmsearch.trial"]) for run in shipped) == list(range(8))
    assert {run.info.status for run in shipped} == {"FINISHED"}

    whole = tmp_path / "whole"
    fmsearch(*arguments, "--home", whole, "--offline")
    assert table(whole, "small") == after


def test_a_killed_trainer_is_replaced_and_its_trials_are_finished(  # type: ignore[no-untyped-def]
    begin, small_grid, images, tmp_path
) -> None:
    process = begin(
        "study", "--space", small_grid, "--data", images, "--jobs", 1, "--offline", *OPTIONS
    )
    assert process.stdout.readline().startswith("small: 8 trials")
    deadline = time.monotonic() + 60
    while not (forked := grandchildren(process.pid)):  # Keras Tuner's process has ended by then
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(max(forked), signal.SIGKILL)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0
    assert (
        "a trainer died (exit code -9: killed, as the system does when memory runs out)" in errors
    )
    found = trials(tmp_path / "mlruns", "small")
    assert [trial.state for trial in found] == [State.COMPLETE] * 8


def grandchildren(pid: int) -> list[int]:
    """Children of a process's children: trainers are forked by a process of their own."""
    forked = children()
    return [one for child in forked.get(pid, []) for one in forked.get(child, [])]


def children() -> dict[int, list[int]]:
    """The children of each process that has any."""
    found: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        found.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    return found


def test_ctrl_c_before_the_first_trial_is_one_line(  # type: ignore[no-untyped-def]
    small_grid, images, tmp_path
) -> None:
    process = subprocess.Popen(
        [PROGRAM, "study", "--space", small_grid, "--data", images, "--jobs", "1"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell's background jobs ignore Ctrl-C; this test may be one.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 30
    while process.pid not in children():  # one that loads TensorFlow for the trainers
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == "fmsearch: interrupted; the same command goes on from here\n"
