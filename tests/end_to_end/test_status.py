"""`fmsearch status` of a study: what is best and what matters."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import optuna
import pytest

from fmsearch.commands.looking import MOST_LISTED
from fmsearch.search.ledger import Ledger
from fmsearch.search.study_ledger import StudyLedger

SMALL = """\
name: small
model: mlp
engine: optuna
score: {by: validation}
fixed: {epochs: 2, layers: 1}
parameters:
  hidden_units: {int: [4, 32]}
  optimizer: [adam, sgd]
  momentum: {float: [0.5, 0.9], when: {optimizer: sgd}}
"""


OPTIONS = ("--train-images", 400, "--jobs", 2)


@pytest.fixture
def study(fmsearch, images: Path, tmp_path: Path):  # type: ignore[no-untyped-def]
    """Runs a space, given as text; fails the test if the study does."""

    def run(space: str, *options: object, home: str = "mlruns") -> str:
        path = tmp_path / "space.yaml"
        path.write_text(space)
        arguments = ("--space", path, "--data", images, "--home", tmp_path / home)
        done = fmsearch("study", *arguments, *OPTIONS, *options)
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    return run


def ledger(home: Path, name: str) -> StudyLedger:
    return Ledger(f"sqlite:///{home / 'studies.db'}").study(name)


def test_status_shows_what_is_best_and_what_matters(study, fmsearch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    study(SMALL, "--trials", 6, "--offline")
    lines = fmsearch("status", "small").stdout.splitlines()
    assert lines[0] == "small: 6 trials: 6 complete"
    assert lines[1].startswith("best: trial ")
    expected = optuna.importance.get_param_importances(ledger(tmp_path / "mlruns", "small").study())
    shown = ", ".join(f"{name} {share:.0%}" for name, share in expected.items())
    assert lines[2] == f"importance: {shown}"
    program = Path(sys.executable).with_name("fmsearch")
    watching = subprocess.Popen(
        [program, "status", "small", "--watch"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background jobs ignore Ctrl-C; this test may be one.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert watching.stdout is not None
    heads = (line for line in watching.stdout if line.strip() == lines[0])
    assert [next(heads), next(heads)]  # shown, and two seconds later again
    watching.send_signal(signal.SIGINT)
    assert watching.communicate(timeout=60)[1] == ""
    assert watching.returncode == 0


def test_status_lists_the_latest_of_many_trials_that_do_not_wait(study, fmsearch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    study(SMALL, "--trials", 1, "--offline")
    optunas = ledger(tmp_path / "mlruns", "small").study()
    for _ in range(MOST_LISTED):
        optunas.enqueue_trial({})
    latest = fmsearch("status", "small")
    assert f"trials: {MOST_LISTED} waiting, 1 complete" in latest.stdout
    assert latest.stdout.count(" waiting ") == 0
    assert latest.stdout.count(" complete ") == 1
    assert latest.stderr == "these are the latest trials; --all lists all\n"
    everything = fmsearch("status", "small", "--all")
    assert everything.stdout.count(" waiting ") == MOST_LISTED
    assert everything.stdout.count(" complete ") == 1
    assert everything.stderr == ""


def test_status_shows_what_the_ledger_says_matters(study, fmsearch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    study(SMALL, "--trials", 3, "--offline")
    notes = ledger(tmp_path / "mlruns", "small").notes
    assert notes.importances() == {}  # nothing was drawn
    notes.note_importances({"momentum": 0.75, "hidden_units": 0.25})
    assert "importance: momentum 75%, hidden_units 25%\n" in fmsearch("status", "small").stdout
