"""Scratch folders: those of living programs stay, wherever these live; those of dead ones go."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fmsearch.search.processes import scratch

PROGRAM = """
import sys, time
from fmsearch.search.processes.scratch import scratch_folder
print(scratch_folder(), flush=True)
time.sleep(600)
"""
APART = ("unshare", "--pid", "--fork", "--kill-child")
"""Runs a program whose processes have numbers of their own, as in a container."""


@pytest.fixture(autouse=True)
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for temporary files that all programs of a test share; pytest's have long paths."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr("tempfile.tempdir", None)
        scratch.scratch_folder.cache_clear()
        yield Path(folder)
        scratch.clear_scratch()
        scratch.scratch_folder.cache_clear()


def begin(*before: str) -> tuple[subprocess.Popen[str], Path]:
    """Start another program; gives its folder, too."""
    command = [*before, sys.executable, "-c", PROGRAM]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def can_be_apart() -> bool:
    return bool(shutil.which("unshare")) and not subprocess.run([*APART, "true"]).returncode


@pytest.mark.parametrize("apart", [False, True])
def test_the_folder_of_a_living_program_stays_until_it_is_killed(apart: bool) -> None:
    if apart and not can_be_apart():
        pytest.skip("this machine lets nobody have process numbers of their own")
    process, theirs = begin(*(APART if apart else ()))
    ours = scratch.scratch_folder()
    assert theirs.is_dir()
    end(process)
    scratch.scratch_folder.cache_clear()
    scratch.scratch_folder()
    assert not theirs.exists()
    assert ours.is_dir()  # this program lives, and holds it still


def test_what_others_left_there_stays(temporary: Path) -> None:
    (temporary / "fmsearch-scratch-file").write_text("")
    (temporary / "fmsearch-scratch-link").symlink_to(temporary / "kept")
    (temporary / "fmsearch-123-older").mkdir()
    (temporary / "kept").mkdir()
    ours = scratch.scratch_folder()
    left = {path.name for path in temporary.iterdir()} - {ours.name}
    assert left == {"fmsearch-scratch-file", "fmsearch-scratch-link", "fmsearch-123-older", "kept"}


def test_a_folder_that_is_removed_is_made_again_and_stays_until_its_program_ends() -> None:
    ours = scratch.scratch_folder()
    shutil.rmtree(ours)
    scratch.restore_scratch()
    assert ours.is_dir()
    process, _ = begin()  # which removes those of the dead
    end(process)
    assert ours.is_dir()


def test_sockets_can_be_made_in_it_however_long_the_path_for_temporary_files_is(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = temporary / ("a" * 100)
    long.mkdir()
    monkeypatch.setenv("TMPDIR", str(long))
    with scratch.temporary_files_in(scratch.scratch_folder()):
        made = Path(tempfile.mkdtemp(prefix="pymp-"))  # as multiprocessing names them
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(tempfile.mktemp(prefix="listener-", dir=made))
