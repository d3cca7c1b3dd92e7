"""Where commands look for the store, and how others are told where it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ..conftest import Run, WarmProgram
from ..storage.new_study import make


@pytest.fixture
def home(tmp_path: Path, images: Path) -> Path:
    """A home with a storage that has the study `search`."""
    (tmp_path / "mlruns").mkdir()
    make(f"sqlite:///{tmp_path / 'mlruns' / 'studies.db'}", images)
    return tmp_path / "mlruns"


def below(home: Path) -> Path:
    folder = home.parent / "notes" / "of today"
    folder.mkdir(parents=True)
    return folder


def test_a_command_below_the_projects_folder_finds_the_store_above_and_says_so(
    home: Path, warm_program: WarmProgram
) -> None:
    folder = below(home)
    for command in (("status", "search"), ("doctor", "--help"), ("status",)):
        done = warm_program.run(folder, *command)
        assert done.returncode == 0, done.stderr
        assert "search" in done.stdout or "--help" in command
    assert done.stderr == f"the store in use is {home}\n"
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("how", ["option", "variable"])
def test_a_home_that_is_named_is_the_one_in_use(
    how: str, home: Path, warm_program: WarmProgram
) -> None:
    folder = below(home)
    named = {"option": ("--home", "mlruns"), "variable": ()}[how]
    variables = {"option": {}, "variable": {"FMSEARCH_HOME": "mlruns"}}[how]
    done = warm_program.run(folder, "status", *named, **variables)
    assert done.stdout == f"no studies yet in {folder / 'mlruns'}\n"


def test_a_store_here_comes_before_one_above(
    home: Path, warm_program: WarmProgram, images: Path
) -> None:
    folder = below(home)
    (folder / "mlruns").mkdir()
    make(f"sqlite:///{folder / 'mlruns' / 'studies.db'}", images, name="nearer")
    done = warm_program.run(folder, "status")
    assert "nearer" in done.stdout
    assert "search" not in done.stdout
    assert done.stderr == ""


ASK = """
import os, mlflow, optuna
print(mlflow.get_tracking_uri())
print(optuna.get_all_study_names(os.environ["FMSEARCH_STORAGE"]))
"""


@pytest.mark.parametrize("name", ["plain", "a b'c", "p%2Fq"])
def test_what_env_prints_lets_a_shell_and_its_programs_find_the_store(
    name: str, fmsearch: Run, images: Path, tmp_path: Path
) -> None:
    home = tmp_path / name
    home.mkdir()
    make(f"sqlite:///{home / 'studies.db'}".replace("%", "%25"), images)
    told = fmsearch("env", "--home", home, "--experiment", "mine").stdout
    done = subprocess.run(
        ["sh", "-c", f'{told}\n"{sys.executable}" -c \'{ASK}\'; echo "$MLFLOW_EXPERIMENT_NAME"'],
        env=dict(os.environ), capture_output=True, text=True, check=True, cwd=tmp_path,
    )  # fmt: skip
    uri, names, experiment = done.stdout.splitlines()
    assert uri.endswith("mlflow.db")
    assert (names, experiment) == ("['search']", "mine")
