"""Artifacts of names, choices and errors that mean something to those who show them."""

from __future__ import annotations

import csv
import io
import logging
from pathlib import Path

import optuna
import pandas as pd
import pytest

from fmsearch.search.runs.plain_study import for_matplotlib, for_plotly, plain
from fmsearch.search.runs.schema_types import Artifact, write
from fmsearch.search.runs.search_figures import draw
from fmsearch.search.runs.tables import cv_results_csv, parameter_columns, trials_csv
from fmsearch.search.trial import State, Trial

SCORES = {"score": 0.5, "score_std": 0.1, "fold_1_score": 0.4, "fold_2_score": 0.6}
CHOICES = (
    *("$x$", r"$\frac{$", "$\\undefined$", "<b>&lt;</b>", "<script>alert(1)</script>", "'"),
    *("=HYPERLINK(1)", "\N{CJK UNIFIED IDEOGRAPH-732B}", "name " * 100, "name " * 101),
)
HTML = "</script><img src=x onerror=alert(1)> [/job:localhost]"


def complete(number: int, value: object) -> Trial:
    times = ((1.0, 3.0), (0.25, 0.25))
    return Trial(number, {"word": value}, State.COMPLETE, 0.5, SCORES, *times)  # type: ignore[dict-item]


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d"])
def test_a_text_that_a_spreadsheet_would_calculate_gets_an_apostrophe(begin: str) -> None:
    formula = f'{begin}HYPERLINK("http://x","y")'
    trials = [complete(0, formula), Trial(1, {"word": "a=b"}, State.FAILED, reason=formula)]
    rows = list(csv.DictReader(io.StringIO(trials_csv(trials), newline="")))
    assert [row["word"] for row in rows] == [f"'{formula}", "a=b"]
    assert rows[1]["reason"] == f"'{formula}"
    cells = list(csv.reader(io.StringIO(cv_results_csv(trials), newline="")))
    assert not any(cell.startswith(begin) for row in cells for cell in row)


def test_numbers_stay_numbers_for_pandas() -> None:
    trials = [complete(0, -1.5), complete(1, -2)]
    read = pd.read_csv(io.StringIO(cv_results_csv(trials)))
    assert read["param_word"].tolist() == [-1.5, -2.0]
    assert read["params"].tolist() == ["{'word': -1.5}", "{'word': -2}"]
    assert read["mean_test_score"].tolist() == [0.5, 0.5]
    assert pd.read_csv(io.StringIO(trials_csv(trials)))["word"].tolist() == [-1.5, -2.0]


def test_a_parameter_named_as_another_column_has_a_column_of_its_own() -> None:
    trials = [Trial(0, {"score": 7, "reason": "why", "a": 1}, State.COMPLETE, 0.5, SCORES)]
    (row,) = csv.DictReader(io.StringIO(trials_csv(trials)))
    assert (row["param_score"], row["score"]) == ("7", "0.5")
    assert (row["param_reason"], row["reason"], row["param_a"]) == ("why", "", "1")
    assert parameter_columns(["a", "b"], ["score"]) == ["a", "b"]


@pytest.fixture
def study() -> optuna.Study:
    """Trials of strange choices, one of which failed for a strange reason."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize", study_name="<i>$mine$</i>")
    for number, word in enumerate((*CHOICES, *CHOICES[:2])):
        study.enqueue_trial({"word": word, "rate": 10.0 ** -(number % 4)})
        trial = study.ask()
        trial.suggest_categorical("word", CHOICES)
        trial.suggest_categorical("score", [True, 1.5, "$y$"])
        trial.suggest_float("rate", 1e-4, 1.0, log=True)
        trial.set_user_attr("reason", HTML)
        trial.set_user_attr("metrics", {"score": 0.5, "words": [HTML]})
        trial.report(0.1 * number, 1)
        state = optuna.trial.TrialState.FAIL if number == 3 else None
        study.tell(trial, None if state else 0.1 * number, state=state)
    return study


def test_a_search_of_strange_choices_is_drawn(study: optuna.Study, tmp_path: Path) -> None:
    draw(study, {"score": "maximize"}, tmp_path / "search.html")
    assert {path.stem for path in tmp_path.iterdir()} == {
        "history", "importances", "intermediate_values", "parallel_coordinates", "search",
        "slices", "timeline",
    }  # fmt: skip
    page = (tmp_path / "search.html").read_text("utf-8")
    assert "<h1>&lt;i&gt;$mine$&lt;/i&gt;</h1>" in page
    drawn = page[page.index("<h2>history") :]
    for raw in (
        "<img",
        "<script>alert",
        r"\u003cimg",
        r"\u003cscript\u003ealert",
        r"\u003cb\u003e",
    ):
        assert raw not in drawn
    assert r"&lt;script&gt;alert" in drawn


def test_words_become_others_of_which_no_two_are_alike(study: optuna.Study) -> None:
    for escape in (for_matplotlib, for_plotly):
        shown = plain(study, escape)
        words = shown.trials[0].distributions["word"].choices  # type: ignore[attr-defined]
        assert len(set(words)) == len(CHOICES)
        assert [trial.params["word"] for trial in shown.trials[: len(CHOICES)]] == list(words)
        assert [trial.params["rate"] for trial in shown.trials] == [
            trial.params["rate"] for trial in study.trials
        ]
    assert study.trials[0].params["word"] == "$x$"


def test_a_study_of_plain_words_is_not_copied() -> None:
    study = optuna.create_study()
    study.tell(
        (trial := study.ask()), trial.suggest_categorical("optimizer", ["adam", "sgd"]) == ""
    )
    assert plain(study, for_matplotlib) is study
    assert plain(study, for_plotly) is study


def test_what_cannot_be_made_is_left_out_and_a_tag_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def half(source: str, file: Path) -> None:
        file.write_text(source)
        raise ValueError("no\x1b[2J\nway")

    def whole(source: str, file: Path) -> None:
        file.write_text(source)

    artifacts = {"figures/half.png": Artifact(half), "whole.txt": Artifact(whole)}
    with caplog.at_level(logging.WARNING):
        made = write(artifacts, "a", tmp_path)
    assert made.missing == {"fmsearch.missing.figures/half.png": r"ValueError: no\x1b[2J way"}
    assert [path.name for path in tmp_path.rglob("*.*")] == ["whole.txt"]
    assert caplog.messages == [
        r"figures/half.png is left out, as it cannot be made: ValueError: no\x1b[2J way"
    ]


def test_a_full_disk_is_no_reason_to_leave_something_out(tmp_path: Path) -> None:
    def fails(source: str, file: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write({"a.txt": Artifact(fails)}, "a", tmp_path)
