"""What a shell offers after `fmsearch`, by its one line of set-up in README."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..conftest import Run
from ..storage.new_study import make


def offered(fmsearch: Run, line: str) -> list[str]:
    """The words that bash offers at the end of a line."""
    words = line.split(" ")
    done = fmsearch(
        _FMSEARCH_COMPLETE="bash_complete", COMP_WORDS=line, COMP_CWORD=str(len(words) - 1)
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [one.partition(",")[2] for one in done.stdout.split()]


@pytest.mark.parametrize("command", ["study", "study --space", "spaces"])
def test_spaces_are_offered(command: str, fmsearch: Run, tmp_path: Path) -> None:
    (tmp_path / "mlp_of_mine.yaml").touch()
    assert offered(fmsearch, f"fmsearch {command} mlp_") == [
        "mlp_grid", "mlp_grid_2", "mlp_of_mine.yaml",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "command",
    ["status", "doctor", "ui", "register", "register --study", "worker", "studies delete"],
)
def test_studies_are_offered(command: str, fmsearch: Run, images: Path, tmp_path: Path) -> None:
    assert offered(fmsearch, f"fmsearch {command} ") == []
    for name in ("first", "second", "third"):
        (tmp_path / "mlruns").mkdir(exist_ok=True)
        make(f"sqlite:///{tmp_path / 'mlruns' / 'studies.db'}", images, name=name)
    assert offered(fmsearch, f"fmsearch {command} ") == ["first", "second", "third"]
    assert offered(fmsearch, f"fmsearch {command} th") == ["third"]
    assert offered(fmsearch, f"fmsearch {command} --home elsewhere ") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_set_up(shell: str, fmsearch: Run) -> None:
    done = fmsearch(_FMSEARCH_COMPLETE=f"{shell}_source")
    assert "_FMSEARCH_COMPLETE" in done.stdout
