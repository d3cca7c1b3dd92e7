"""Folders that are removed while a command uses them, and a SIGTERM: one line, nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from mlflow import MlflowClient

from ..conftest import Begin, Run
from .records import runs

OPTIONS = ("--train-images", 400, "--jobs", 1)


def test_a_home_that_is_removed_ends_the_study_with_one_line(
    begin: Begin, fmsearch: Run, four_points: Path, images: Path, tmp_path: Path
) -> None:
    home = tmp_path / "mlruns"
    arguments = ("study", "--space", four_points, "--data", images, *OPTIONS)
    study = begin(*arguments)
    for line in study.stdout:
        if line.startswith("[1/4]"):
            break
    before = {path for path in tmp_path.rglob("*") if not path.is_relative_to(home)}
    while home.exists():
        shutil.rmtree(home, ignore_errors=True)
    _, errors = study.communicate(timeout=60)
    assert study.returncode == 1
    assert errors.splitlines()[-1] == (
        f"fmsearch: somebody has removed the store during the study 'small' ({home}/locks/"
        "small.lock is gone); remove what is left of it, and run the same command"
    )
    assert "Traceback" not in errors
    assert {path for path in tmp_path.rglob("*") if not path.is_relative_to(home)} == before

    shutil.rmtree(home, ignore_errors=True)
    assert fmsearch(*arguments).returncode == 0
    assert len(runs(home)) == 4
    checked = fmsearch("doctor")
    assert (checked.returncode, checked.stdout) == (0, "no differences\n")


@pytest.mark.parametrize("word", ["training", "registering"])
def test_a_register_that_is_terminated_says_so_and_the_same_command_does_the_rest(
    word: str, begin: Begin, fmsearch: Run, two_points: Path, images: Path, tmp_path: Path
) -> None:
    fmsearch("study", "--space", two_points, "--data", images, *OPTIONS)
    register = begin("-v", "register", "--study", "small", "--checkpoint-every", "0s")
    for line in register.stderr:
        if f": {word}" in line:
            break
    register.terminate()
    _, errors = register.communicate(timeout=60)
    assert register.returncode == 130
    assert errors.splitlines()[-1] == "fmsearch: interrupted; the same command goes on from here"
    assert "Traceback" not in errors

    done = fmsearch("register", "--study", "small")
    assert done.returncode == 0, done.stderr
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlruns' / 'mlflow.db'}")
    assert len(client.search_model_versions()) == 1
