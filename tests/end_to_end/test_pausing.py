"""Trials that are paused and go on: through kills, Ctrl-C and sessions, as if nothing had been."""

from __future__ import annotations

import signal
from pathlib import Path

from fmsearch.search.trial import State

from ..conftest import Run
from .records import client_of, run_of, table, trials

SPACE = """\
name: pausing
model: mlp
engine: optuna
sampler: tpe
pruner: asha
score: {by: validation}
trials: 7
fixed: {epochs: 10, layers: 1, batch_size: 64}
parameters: {hidden_units: {int: [4, 16]}, learning_rate: {float: [1e-5, 0.1], log: true}}
"""
STOPS = """\
import os, signal
from fmsearch.search.storage.pauses import Pauses

pause, paused = Pauses.pause, []

def stop(*arguments):
    paused.append(arguments)
    if len(paused) == {number} and not {after}:
        os.kill(os.getpid(), {signal})
    done = pause(*arguments)
    if len(paused) == {number}:
        os.kill(os.getpid(), {signal})
    return done

Pauses.pause = stop
"""


def test_a_study_that_pauses_comes_out_the_same_through_kills_and_interruptions(
    fmsearch: Run, images: Path, tmp_path: Path
) -> None:
    (tmp_path / "space.yaml").write_text(SPACE)
    command = ("study", "space.yaml", "--data", images, "--train-images", 400, "--jobs", 1)
    whole = fmsearch(*command, "--home", "whole", "--offline")
    assert whole.returncode == 0, whole.stderr
    assert "trial 0: paused after epoch 3; 1 paused in all\n" in whole.stdout
    killed = fmsearch(*command, first=STOPS.format(number=3, after=False, signal=9))
    assert killed.returncode == -signal.SIGKILL
    again = fmsearch(*command, first=STOPS.format(number=2, after=True, signal=2))
    assert again.returncode == 130, again.stderr
    home = tmp_path / "mlruns"
    paused = [one for one in trials(home, "pausing") if one.state is State.PAUSED]
    assert len(paused) >= 2
    assert len([*home.glob("outbox/*/checkpoint-*.npz")]) >= len(paused)
    shown = fmsearch("status", "pausing", "--columns", "trial,state,reason").stdout
    for trial in paused:
        assert f"{trial.number} paused after epoch {trial.paused_at}" in " ".join(shown.split())
    last = fmsearch(*command)
    assert last.returncode == 0, last.stderr
    assert table(home, "pausing") == table(tmp_path / "whole", "pausing")

    found = trials(home, "pausing")
    assert {one.state for one in found} == {State.COMPLETE, State.PRUNED}
    for trial in found:
        run = run_of(home, f"pausing-{trial.number:04}")
        curve = client_of(home).get_metric_history(run.info.run_id, "val_accuracy")
        epochs = 10 if trial.state is State.COMPLETE else trial.paused_at
        assert [one.step for one in curve] == list(range(1, epochs + 1))
        if trial.state is State.PRUNED:
            assert run.data.tags["fmsearch.pruned"] == trial.reason
            assert trial.reason.startswith(f"paused after epoch {trial.paused_at} and not promoted")
    assert not [*home.glob("outbox/*/checkpoint-*")]
