"""A store that is copied, backed up, or may only be read."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from fmsearch.artifact_addresses import rewrite

from ..conftest import Begin, Run, WarmProgram

GRID = """\
name: small
model: mlp
engine: keras_tuner
score: {by: cross_validation, folds: 2}
fixed: {hidden_units: 16, batch_size: 64}
parameters: {epochs: [1, 2]}
"""
Shell = Callable[[str], "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, warm_program: WarmProgram, images: Path) -> Path:
    """The folder of a finished study."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "small.yaml").write_text(GRID)
    options = ("--space", "small.yaml", "--data", images, "--jobs", 1, "--train-images", 400)
    done = warm_program.run(folder, "study", *options)
    assert done.returncode == 0, done.stderr
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {str(one): one.read_bytes() for one in sorted(folder.rglob("*")) if one.is_file()}


def test_the_databases_are_whole_without_the_files_beside_them(
    made: Path, tmp_path: Path, fmsearch: Run
) -> None:
    beside = shutil.ignore_patterns("*.db-*")
    shutil.copytree(made / "mlruns", tmp_path / "mlruns", ignore=beside)
    assert fmsearch("doctor").stdout == "no differences\n"


@pytest.mark.parametrize("command", [("status",), ("doctor",), ("sync",), ("status", "none")])
def test_every_command_leaves_the_databases_whole(
    made: Path, warm_program: WarmProgram, command: tuple[str, ...]
) -> None:
    warm_program.run(made, *command)
    left = {log.name: log.stat().st_size for log in (made / "mlruns").glob("*-wal")}
    assert set(left.values()) <= {0}, left


@pytest.fixture
def read_only(made: Path, tmp_path: Path) -> Shell:
    """Runs a line of shell, in which `$P` is the program, where the store may only be read.

    It was moved there, and the folder that its database names is gone.
    """
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    rewrite(tmp_path / "mlruns" / "mlflow.db", [made / "mlruns"], tmp_path / "gone")
    program = f"P='{sys.executable} -m fmsearch.cli'"
    before = "mount --bind mlruns mlruns && mount -o remount,ro,bind mlruns"
    apart = ["unshare", "--mount", "bash", "-c"]
    if os.geteuid() != 0:
        before = "chmod -R a-w mlruns"
        apart = ["bash", "-c"]
    elif subprocess.run([*apart, before], cwd=tmp_path, check=False).returncode:
        pytest.skip("this machine lets nobody mount a folder")

    def run(line: str) -> subprocess.CompletedProcess[str]:
        command = [*apart, f"{before}; {program}; {line}"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


def test_a_store_that_may_only_be_read_is_looked_at(read_only: Shell, tmp_path: Path) -> None:
    before = files(tmp_path / "mlruns")
    status = read_only("$P status")
    assert (status.returncode, status.stderr) == (0, "")
    row = status.stdout.splitlines()[2].split()
    assert (row[:2], row[4:7]) == (["small", "fashion.npz"], ["finished", "2", "complete"])
    doctor = read_only("$P doctor")
    assert (doctor.returncode, doctor.stdout, doctor.stderr) == (0, "no differences\n", "")
    assert files(tmp_path / "mlruns") == before


def test_what_wants_to_write_there_is_one_line(read_only: Shell) -> None:
    for command in ("sync", "doctor --fix", "register --study small"):
        done = read_only(f"$P {command}")
        assert done.returncode == 1
        assert "Read-only file system" in done.stderr or "Permission denied" in done.stderr
        assert done.stderr.count("\n") == 1, done.stderr


def test_a_backup_is_a_store(made: Path, tmp_path: Path, warm_program: WarmProgram) -> None:
    done = warm_program.run(made, "backup", tmp_path / "copy")
    assert done.stdout == f"{tmp_path / 'copy'}: artifacts, mlflow.db, outbox, studies.db\n"
    looked = warm_program.run(made, "doctor", "--home", tmp_path / "copy")
    assert looked.stdout == "no differences\n"
    again = warm_program.run(made, "backup", tmp_path / "copy")
    assert again.stderr == f"fmsearch: {tmp_path / 'copy'} exists already; name a new folder\n"


def test_a_study_is_backed_up_while_it_runs(
    begin: Begin, fmsearch: Run, images: Path, tmp_path: Path
) -> None:
    (tmp_path / "small.yaml").write_text(GRID.replace("epochs: [1, 2]", "epochs: [1, 2, 3, 4]"))
    where = ("--space", "small.yaml", "--data", images, "--jobs", 1, "--train-images", 400)
    running = begin("study", *where)
    while not running.stdout.readline().startswith("[2/4]"):
        assert running.poll() is None
    assert fmsearch("backup", "copy").returncode == 0
    assert running.wait() == 0
    done = fmsearch("study", *where, "--home", "copy")  # it goes on from there
    assert done.returncode == 0, done.stderr
    assert "4 trials" in done.stdout
    assert fmsearch("doctor", "--home", "copy").stdout == "no differences\n"


def test_the_doctor_names_a_damaged_trial_and_leaves_its_run(
    made: Path, tmp_path: Path, fmsearch: Run
) -> None:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    with closing(sqlite3.connect(tmp_path / "mlruns" / "studies.db")) as database:
        database.execute("UPDATE trial_user_attributes SET value_json = '{' WHERE trial_id = 1")
        database.commit()
    for options, begin in (
        ((), "small trial 0: "),
        (("--fix",), "cannot be mended: small trial 0: "),
    ):
        done = fmsearch("doctor", *options)
        assert done.returncode == 1
        assert done.stdout.startswith(f"{begin}its record in the storage is damaged (")
        assert len(done.stdout.splitlines()) == 2, done.stdout
