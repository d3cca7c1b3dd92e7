"""`fmsearch status`: which trials and columns are shown, and what other programs read."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from fmsearch.commands import trial_table
from fmsearch.commands.trial_table import Wanted, trials_table
from fmsearch.search.study.status import StudyStatus
from fmsearch.search.trial import State, Trial

from ..conftest import Run
from ..storage.new_study import make


def trial(number: int, score: float | None, size: int, **more: object) -> Trial:
    parameters = {"kind": "wide", "size": size, "rate": 0.1}
    metrics = (
        {} if score is None else {"score": score, "parameters": 100.0 * size, "loss": 1 - score}
    )
    state = State.COMPLETE if score is not None else State.PRUNED
    found = {"fit_seconds": (1.5, 2.0), **more}
    return Trial(number, parameters, state, score, metrics, **found)  # type: ignore[arg-type]


TRIALS = [
    trial(0, 0.5, 10),
    trial(1, 0.75, 9, fit_seconds=(0.25,)),
    trial(2, None, 8, reason="median pruner, after epoch 2"),
    trial(3, 0.625, 11),
]


def status(**more: object) -> StudyStatus:
    found = {
        "counts": {"complete": 3, "pruned": 1},
        "best": TRIALS[1],
        "latest": TRIALS,
        "running": {},
        "importances": {},
        **more,
    }
    return StudyStatus(**found)  # type: ignore[arg-type]


def shown(now: StudyStatus, **how: object) -> list[list[str]]:
    """The cells of a table's lines, its header first."""
    file = io.StringIO()
    Console(file=file, width=200, markup=False).print(trials_table(now, **how))  # type: ignore[arg-type]
    header, _, *rows = file.getvalue().splitlines()
    starts = [0, *(i + 1 for i in range(1, len(header)) if header[i] != " " == header[i - 1])]
    ends = [*(one - 1 for one in starts[1:]), None]
    starts = [max(0, one - 1) for one in starts]
    return [
        [line[a:b].strip() for a, b in zip(starts, ends, strict=True)] for line in (header, *rows)
    ]


def test_columns_are_those_in_which_trials_differ() -> None:
    header, *rows = shown(status())
    assert header == ["trial", "state", "score", "seconds", "size", "reason"]
    assert rows[1] == ["1 *", "complete", "0.75000", "0.2", "9", ""]
    assert rows[2] == ["2", "pruned", "", "3.5", "8", "median pruner, after epoch 2"]


def test_of_several_objectives_all_are_columns_and_the_front_is_marked() -> None:
    now = status(objectives=("score", "parameters"), front={1, 0})
    header, *rows = shown(now)
    assert header == ["trial", "state", "score", "parameters", "seconds", "size", "reason"]
    assert [row[0] for row in rows] == ["0 *", "1 *", "2", "3"]
    assert rows[0][3] == "1000"


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (Wanted(), [0, 1, 2, 3]),
        (Wanted(top=2), [1, 3]),
        (Wanted(sort="score"), [1, 3, 0, 2]),
        (Wanted(sort="size"), [2, 1, 0, 3]),
        (Wanted(sort="loss"), [1, 3, 0, 2]),
        (Wanted(sort="seconds"), [1, 0, 2, 3]),
        (Wanted(sort="kind", top=3), [1, 3, 0]),
        (Wanted(sort="reason"), [2, 0, 1, 3]),
    ],
)
def test_trials_are_sorted_and_chosen(wanted: Wanted, numbers: list[int]) -> None:
    _, *rows = shown(status(), wanted=wanted)
    assert [int(row[0].split()[0]) for row in rows] == numbers


def test_columns_are_chosen() -> None:
    header, first, *_ = shown(status(), wanted=Wanted(columns="trial, kind,loss"))
    assert header == ["trial", "kind", "loss"]
    assert first == ["0", "wide", "0.5"]


def test_on_a_narrow_terminal_parameters_share_a_column(monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(file=io.StringIO(), width=70, force_terminal=True)
    monkeypatch.setattr(trial_table, "make_console", lambda: console)
    many = {f"parameter_{one}": one for one in range(12)}
    trials = [Trial(n, {**many, "parameter_1": n}, State.WAITING) for n in range(2)]
    now = status(latest=trials, best=None, counts={"waiting": 2})
    wide = Wanted(columns=",".join(["trial", *many]))
    table = trial_table.fitting_table(now, None, wide)
    assert [str(column.header) for column in table.columns] == ["trial", "with"]
    cells = [str(cell) for cell in table.columns[1].cells]
    assert cells[1].startswith("parameter_0=0 parameter_1=1 parameter_2=2 ")
    table = trial_table.fitting_table(now, None, Wanted())
    assert [str(column.header) for column in table.columns] == [
        "trial", "state", "score", "parameter_1",
    ]  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, images: Path) -> Path:
    """A home with a study of three waiting trials."""
    (tmp_path / "mlruns").mkdir()
    study = make(f"sqlite:///{tmp_path / 'mlruns' / 'studies.db'}", images)
    rates = [0.1, 0.2, 0.3]
    study.enqueue([{"dropout_rate": rate} for rate in rates], {"dropout_rate": rates})
    return tmp_path


def test_other_programs_read_studies_and_trials(home: Path, fmsearch: Run, images: Path) -> None:
    (study,) = json.loads(fmsearch("status", "--json").stdout)
    assert (study["study"], study["data"], study["state"]) == ("search", str(images), "unfinished")
    assert (study["trials"], study["waiting"], study["best_score"]) == (3, 3, None)
    (row,) = csv.DictReader(io.StringIO(fmsearch("status", "--csv").stdout))
    assert {name: row[name] or None for name in study} == {
        name: None if value is None else str(value) for name, value in study.items()
    }
    found = json.loads(fmsearch("status", "search", "--json", "--sort", "dropout_rate").stdout)
    assert found["counts"] == {"waiting": 3}
    assert [one["parameters"]["dropout_rate"] for one in found["trials"]] == [0.1, 0.2, 0.3]
    rows = list(csv.DictReader(io.StringIO(fmsearch("status", "search", "--csv").stdout)))
    assert [(row["trial"], row["dropout_rate"]) for row in rows] == [
        ("0", "0.1"), ("1", "0.2"), ("2", "0.3"),
    ]  # fmt: skip


def test_other_programs_read_spaces_and_data(fmsearch: Run, images: Path) -> None:
    spaces = {one["space"]: one for one in json.loads(fmsearch("spaces", "--json").stdout)}
    assert spaces["mlp_grid"]["points"] == 32
    assert spaces["cnn"]["points"] is None
    assert fmsearch("spaces", "--csv").stdout.startswith(
        "space,model,engine,scored_by,points,trials,about\n"
    )
    data = json.loads(fmsearch("data", "--data", images, "--json").stdout)
    assert data["image_shape"] == [28, 28]
    assert data["classes"][0] == {"class": "T-shirt/top", "train": 240, "test": 60}
    rows = fmsearch("data", "--data", images, "--csv").stdout.splitlines()
    assert rows[:2] == ["class,train,test", "T-shirt/top,240,60"]


def test_before_the_first_study_other_programs_read_an_empty_list(fmsearch: Run) -> None:
    done = fmsearch("status", "--json")
    assert (done.returncode, done.stdout) == (0, "[]\n")
    assert fmsearch("status", "--csv").stdout == ""
