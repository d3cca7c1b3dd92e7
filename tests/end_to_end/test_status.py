"""`fmsearch status` of a study: what is best and what matters."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import optuna
import pytest

from fmsearch.commands.status import MOST_LISTED
from fmsearch.search.storage.stored_study import StoredStudy

from ..conftest import Begin, Run, WarmProgram
from .records import stored

SMALL = """\
name: small
model: mlp
engine: optuna
pruner: none
score: {by: validation}
fixed: {epochs: 2, layers: 1, hidden_units: 16}
parameters:
  dropout_rate: {float: [0.0, 0.5]}
  optimizer: [adam, sgd]
  momentum: {float: [0.5, 0.9], when: {optimizer: sgd}}
"""


@pytest.fixture(scope="module")
def finished(
    tmp_path_factory: pytest.TempPathFactory, warm_program: WarmProgram, images: Path
) -> Path:
    """The home of a study of six trials."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "small.yaml").write_text(SMALL)
    done = warm_program.run(
        folder, "study", "--space", "small.yaml", "--data", images, "--train-images", 400,
        "--jobs", 1, "--trials", 6, "--offline",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder / "mlruns"


@pytest.fixture
def small(finished: Path, tmp_path: Path) -> StoredStudy:
    """A copy of that study, in the home where commands of this test find it."""
    return stored(Path(shutil.copytree(finished, tmp_path / "mlruns")), "small")


def test_status_shows_what_is_best_and_what_matters(small: StoredStudy, fmsearch: Run) -> None:
    lines = fmsearch("status", "small").stdout.splitlines()
    assert lines[0] == "small: 6 trials: 6 complete"
    assert lines[1].startswith("best: trial ")
    expected = optuna.importance.get_param_importances(small.study())
    shown = ", ".join(f"{name} {share:.0%}" for name, share in expected.items())
    assert lines[2] == f"importance: {shown}"


def test_a_look_loads_nothing_to_find_what_matters(small: StoredStudy, installed: Run) -> None:
    looked = installed("status", "small", PYTHONPROFILEIMPORTTIME="1")
    assert "\nimportance: " in looked.stdout
    loaded = {line.rpartition("|")[2].strip() for line in looked.stderr.splitlines()}
    assert "sqlalchemy" in loaded
    assert not loaded & {"sklearn", "scipy", "pandas", "mlflow", "tensorflow", "optuna.importance"}


def test_status_is_shown_again_until_ctrl_c(small: StoredStudy, begin: Begin) -> None:
    watching = begin("status", "small", "--watch")
    head = "small: 6 trials: 6 complete"
    heads = (line for line in watching.stdout if line.strip() == head)
    assert [next(heads), next(heads)]  # shown, and two seconds later again
    watching.send_signal(signal.SIGINT)
    assert watching.communicate(timeout=60)[1] == ""
    assert watching.returncode == 0


def test_status_lists_the_latest_of_many_trials_that_do_not_wait(
    small: StoredStudy, fmsearch: Run
) -> None:
    optuna_state = small.study()
    for _ in range(MOST_LISTED):
        optuna_state.enqueue_trial({})
    latest = fmsearch("status", "small")
    assert f"trials: {MOST_LISTED} waiting, 6 complete" in latest.stdout
    assert latest.stdout.count(" waiting ") == 0
    assert latest.stdout.count(" complete ") == 6
    assert latest.stderr == "these are the latest trials; --all lists all\n"
    everything = fmsearch("status", "small", "--all")
    assert everything.stdout.count(" waiting ") == MOST_LISTED
    assert everything.stdout.count(" complete ") == 6
    assert everything.stderr == ""


def test_status_shows_what_the_storage_says_matters(small: StoredStudy, fmsearch: Run) -> None:
    notes = small.attributes
    assert notes.importances() != {}  # although nothing was drawn
    notes.set_importances({"momentum": 0.75, "dropout_rate": 0.25})
    assert "importance: momentum 75%, dropout_rate 25%\n" in fmsearch("status", "small").stdout
