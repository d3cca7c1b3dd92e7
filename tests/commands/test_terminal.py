"""What is printed: texts from outside steer no terminal, and mean nothing to the table's maker."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from fmsearch.commands import terminal
from fmsearch.commands.progress import StudyProgress
from fmsearch.commands.tables import overview_lines, studies_table
from fmsearch.commands.trial_table import trials_table
from fmsearch.search.space.load import read_space
from fmsearch.search.storage.study_config import StudyConfig
from fmsearch.search.study.status import StudyStatus, StudySummary
from fmsearch.search.trial import State, Trial

from .bad.case import GRID

TENSORFLOW = "InvalidArgumentError: [/job:localhost/replica:0] [b]no[/b] :smile: \x1b[2J"
SHOWN = r"InvalidArgumentError: [/job:localhost/replica:0] [b]no[/b] :smile: \x1b[2J"
CAT = "\N{CJK UNIFIED IDEOGRAPH-732B}"
CAFE = "caf\N{LATIN SMALL LETTER E WITH ACUTE}"
TRIALS = [
    Trial(0, {"word": "[red]x[/red]"}, State.COMPLETE, 0.5, {"score": 0.5}),
    Trial(1, {"word": CAT}, State.FAILED, reason=TENSORFLOW),
]
STATUS = StudyStatus(
    counts={"complete": 1, "failed": 1},
    best=TRIALS[0],
    latest=TRIALS,
    running={},
    importances={"word": 1.0},
)


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def test_a_table_shows_texts_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.print_table(trials_table(STATUS))
    lines = printed(capsys).splitlines()
    assert lines[2].split() == ["0", "*", "complete", "0.50000", "[red]x[/red]"]
    assert lines[3].rstrip().split(maxsplit=3) == ["1", "failed", CAT, SHOWN]


def test_names_of_studies_and_parameters_are_shown_as_they_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = StudyConfig(
        name="[/a]",
        space=read_space(GRID, "small"),
        data="data/[c].npz",
        data_sha256="",
        seed=0,
        train_images=None,
    )
    one = StudySummary(config=config, counts={"complete": 1}, best=TRIALS[0], last_end=None)
    terminal.print_table(studies_table([one]))
    waits = [Trial(0, {"[/b]": 1}, State.WAITING)]
    terminal.print_table(trials_table(replace(STATUS, best=None, latest=waits)))
    assert "[/a]" in (text := printed(capsys))
    assert "[c].npz" in text
    assert "[/b]" in text


def test_lines_above_the_table_steer_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    for line in overview_lines("a\x1b[2J", STATUS):
        terminal.say(line)
    assert printed(capsys).splitlines() == [
        r"a\x1b[2J: 2 trials: 1 complete, 1 failed",
        "best: trial 0, score 0.50000: word=[red]x[/red]",
        "importance: word 100%",
    ]


@pytest.mark.parametrize("is_terminal", [True, False])
def test_progress_shows_texts_as_they_are(
    monkeypatch: pytest.MonkeyPatch, is_terminal: bool
) -> None:
    out = io.StringIO()
    console = terminal.make_console()
    monkeypatch.setattr(console, "file", out)
    monkeypatch.setattr(console, "_force_terminal", is_terminal)
    with StudyProgress(console, "[/study]") as progress:
        progress.on_start([], 2, 1)
        progress.on_trial_end(TRIALS[1], TRIALS)
    assert "[/study]: 2 trials, 1 trainer" in out.getvalue()
    assert f"trial 1: failed: {SHOWN}  word=" in out.getvalue()
    assert "\x1b[2J" not in out.getvalue()


def test_a_console_draws_ascii_where_there_is_no_unicode() -> None:
    file = io.TextIOWrapper(io.BytesIO(), "ascii", errors="replace")
    Console(file=file, markup=False).print(trials_table(STATUS))
    file.seek(0)
    assert "failed" in file.read()


@pytest.fixture
def cats(tmp_path: Path) -> Path:
    """A data set whose classes have names that neither ASCII nor Latin-1 has."""
    names = np.array([CAT, f"{CAFE}\x1b[2J"])
    parts = {"x_train": np.zeros((8, 8, 8), np.uint8), "y_train": np.array([0, 1] * 4)}
    parts |= {"x_test": parts["x_train"], "y_test": parts["y_train"]}
    np.savez(tmp_path / "cats.npz", class_names=names, **parts)
    return tmp_path / "cats.npz"


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("ascii", ["?", r"caf?\x1b[2J"]),
        ("latin-1", ["?", CAFE + r"\x1b[2J"]),
        ("utf-8", [CAT, CAFE + r"\x1b[2J"]),
    ],
)
def test_a_terminal_without_the_characters_gets_question_marks(
    cats: Path, encoding: str, names: list[str]
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "fmsearch.cli", "data", "--data", cats],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.decode(encoding).splitlines()
    assert [line.split()[0] for line in lines[-3:-1]] == names


def test_an_error_and_the_log_steer_no_terminal(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "fmsearch.cli", "study", "--space", "\x1b[2J [/b]\nno"],
        capture_output=True,
        check=False,
        text=True,
    )
    assert ended.returncode == 1
    assert "\x1b" not in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    formatter = terminal.LogFormatter("%(levelname)s %(message)s")
    record = terminal.logging.LogRecord("a", 30, "", 0, "red \x1b[31m\nline", None, None)
    assert formatter.format(record) == "WARNING red \\x1b[31m\nline"
