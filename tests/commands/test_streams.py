"""Surroundings of a command: closed streams, poor terminals, a deleted folder, odd names."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

PROGRAM = (sys.executable, "-m", "fmsearch.cli")
Shell = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Runs a line of shell in which `$P` is the program, in an empty folder."""

    def run(line: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["bash", "-c", f"set -o pipefail; P='{' '.join(PROGRAM)}'; {line}"],
            cwd=tmp_path,
            env={**os.environ, **environment},
            capture_output=True,
            timeout=120,
            check=False,
        )

    return run


def named(folder: Path, *names: str) -> None:
    """A data set whose classes have these names."""
    labels = np.arange(len(names)).repeat(10)
    images = np.zeros((len(labels), 8, 8), np.uint8)
    arrays = {"x_train": images, "y_train": labels, "x_test": images, "y_test": labels}
    np.savez(folder / "named.npz", **arrays, class_names=np.array(names))


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("command", ["status", "spaces", "doctor"])
def test_a_closed_stream_is_no_failure(shell: Shell, closed: str, command: str) -> None:
    done = shell(f"$P {command} {closed}")
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_full_disk_behind_standard_output_is_one_line(shell: Shell) -> None:
    done = shell("$P spaces > /dev/full")
    assert done.returncode == 1
    assert done.stderr.startswith(b"fmsearch: no space is left to write")
    assert done.stderr.count(b"\n") == 1


def test_a_reader_that_leaves_hears_no_traceback(shell: Shell) -> None:
    done = shell("$P spaces mlp > /dev/null && for n in 1 2 3; do $P spaces mlp | true; done")
    assert done.stderr == b""


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_terminal_that_lacks_a_character_shows_the_rest(
    shell: Shell, tmp_path: Path, encoding: str
) -> None:
    named(tmp_path, "Füße", "靴")
    done = shell("$P data --data named.npz", PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    last = [line.split()[-2:] for line in done.stdout.splitlines()[-4:]]
    assert last == [[b"train", b"test"], [b"10", b"10"], [b"10", b"10"], [b"20", b"20"]]


def test_a_deleted_working_folder_is_one_line(shell: Shell) -> None:
    done = shell("mkdir gone; cd gone; rmdir ../gone; $P status")
    expected = b"fmsearch: the working folder is gone; change into one that is there\n"
    assert (done.returncode, done.stderr) == (1, expected)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (r"$P status --home $'\xff'", b"the argument '\\udcff' is no UTF-8 text"),
        (r"$P data --data $'\xff.npz'", b"the argument '\\udcff.npz' is no UTF-8 text"),
        (r"FMSEARCH_HOME=$'\xff' $P status", b"FMSEARCH_HOME is no UTF-8 text"),
        (r"mkdir $'\xff'; cd $'\xff'; $P status", b"\\xff/mlruns has a name that is no UTF-8"),
    ],
)
def test_a_name_that_is_no_text_is_one_line(shell: Shell, line: str, said: bytes) -> None:
    done = shell(line)
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_a_secret_is_in_no_message_and_in_no_traceback(shell: Shell) -> None:
    address = "postgresql://me:SECRET/PW@127.0.0.1:9/x?api_key=SECRET"
    for command in ("status", "sync", "doctor", "-v status"):
        done = shell(f"$P {command}", FMSEARCH_STORAGE=address)
        assert done.returncode == 1
        assert b"SECRET" not in done.stdout + done.stderr
    line = f"""{sys.executable} -c "
from fmsearch import cli
def bug(**options): raise ValueError('{address}')
cli.main.callback = bug
import sys; sys.argv = ['fmsearch', 'spaces']
cli.program()
" """
    done = shell(line)
    assert done.returncode == 1
    assert b"ValueError: postgresql://me:***@127.0.0.1:9/x?api_key=***" in done.stderr
    assert b"SECRET" not in done.stderr
