"""Damaged rows of the storage: only their own trial, or study, is affected, and it is named."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from fmsearch.errors import FmsearchError
from fmsearch.search.space.load import read_space
from fmsearch.search.storage.storage import Storage, open_storage
from fmsearch.search.storage.study_config import StudyConfig
from fmsearch.search.trial import State

GRID = """\
name: small
model: mlp
engine: keras_tuner
score: {by: cross_validation, folds: 2}
parameters: {epochs: [1, 2, 3]}
"""
BROKEN = ("{", "", "3", '{"score": "high"}', "[]")
"""What stands in place of a trial's metrics."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A storage with two studies; trial 1 of `small` has the highest score."""
    from fmsearch.search.storage.attributes import attributes_of

    file = tmp_path_factory.mktemp("made") / "studies.db"
    storage = open_storage(f"sqlite:///{file}")
    for name in ("small", "other"):
        text = GRID.replace("small", name)
        config = StudyConfig(
            name=name, space=read_space(text, name), data="a", data_sha256="b", seed=0,
            train_images=None,
        )  # fmt: skip
        study = storage.open_study(config)
        study.enqueue([{"epochs": epochs} for epochs in (1, 2, 3)], {"epochs": [1, 2, 3]})
        for number, score in enumerate((0.5, 0.75)):
            study.take(number)
            metrics = {"score": score}
            done = study.trial(number)
            study.storage.set_trial_intermediate_value(study._id(number), 1, score)
            study.storage.set_trial_system_attr(study._id(number), "note", 1)
            study._finish(done, metrics, attributes_of(metrics, (1.0,), (1.0,), ""))
    return file


@pytest.fixture
def file(made: Path, tmp_path: Path) -> Path:
    with (
        closing(sqlite3.connect(made)) as source,
        closing(sqlite3.connect(tmp_path / "a.db")) as to,
    ):
        source.backup(to)
    return shutil.move(tmp_path / "a.db", tmp_path / "studies.db")


def damage(file: Path, table: str, column: str, value: str, where: str) -> Storage:
    """The storage, with other values in some rows."""
    with closing(sqlite3.connect(file)) as database:
        query = f"UPDATE {table} SET {column} = ? WHERE {where}"
        assert database.execute(query, [value]).rowcount == 1
        database.commit()
    return open_storage(f"sqlite:///{file}")


@pytest.mark.parametrize("value", BROKEN)
def test_a_trial_with_damaged_attributes_is_named_and_the_others_are_read(
    file: Path, value: str
) -> None:
    where = "trial_id = 2 AND key = 'metrics'"
    study = damage(file, "trial_user_attributes", "value_json", value, where).study("small")
    trials = study.trials()
    assert [trial.state for trial in trials] == [State.COMPLETE, State.FAILED, State.WAITING]
    assert [trial.is_damaged for trial in trials] == [False, True, False]
    assert trials[1].reason.startswith("its record in the storage is damaged (")
    assert (best := study.best()) is not None
    assert best.number == 0
    assert study.latest(2)[1] == study.trial(1) == trials[1]


def test_a_trial_with_a_damaged_parameter_is_named_and_the_others_are_read(file: Path) -> None:
    broken = ("trial_params", "distribution_json", "{", "trial_id = 2")
    trials = damage(file, *broken).study("small").trials()
    assert [trial.is_damaged for trial in trials] == [False, True, False]
    assert trials[2].parameters == {"epochs": 3}


OF_A_TRIAL = (
    ("trials", "state", "HALF"),
    ("trials", "datetime_start", "yesterday"),
    ("trials", "datetime_complete", "5"),
    ("trial_params", "param_value", "high"),
    ("trial_params", "param_value", "7"),
    ("trial_values", "value", "high"),
    ("trial_values", "value_type", "LARGE"),
    ("trial_user_attributes", "value_json", "{"),
    ("trial_user_attributes", "value_json", "[]"),
    ("trial_intermediate_values", "intermediate_value", "high"),
    ("trial_intermediate_values", "intermediate_value_type", "LARGE"),
    ("trial_intermediate_values", "step", "first"),
    ("trial_system_attributes", "value_json", "{"),
)
"""Table, column, and what nobody can read there; trial 1's of `small`."""


@pytest.mark.parametrize(("table", "column", "value"), OF_A_TRIAL)
def test_whatever_is_damaged_of_a_trial_the_others_are_read_and_it_is_counted_as_damaged(
    file: Path, table: str, column: str, value: str
) -> None:
    first = {"trial_user_attributes": " AND key = 'metrics'"}.get(table, "")
    study = damage(file, table, column, value, f"trial_id = 2{first}").study("small")
    assert [trial.status for trial in study.trials()] == ["complete", "damaged", "waiting"]
    assert study.counts() == {"waiting": 1, "complete": 1, "damaged": 1}
    assert (best := study.best()) is not None
    assert best.number == 0
    assert study.running() == {}


def test_a_damaged_trial_that_ran_is_neither_shown_as_running_nor_given_back(file: Path) -> None:
    open_storage(f"sqlite:///{file}").study("small").take(2)
    broken = ("trials", "datetime_start", "yesterday", "trial_id = 3")
    study = damage(file, *broken).study("small")
    study.take_back()
    assert study.running() == {}
    assert (study.taken_back, study.counts()) == (0, {"complete": 2, "damaged": 1})


def test_a_study_with_a_damaged_record_is_named_and_the_other_is_read(file: Path) -> None:
    where = "study_id = 1 AND key = 'fmsearch.study'"
    storage = damage(file, "study_user_attributes", "value_json", "{", where)
    assert storage.names() == ["small", "other"]
    assert len(storage.study("other").trials()) == 3
    with pytest.raises(FmsearchError, match="the record of the study 'small' is damaged"):
        storage.study("small")


@pytest.mark.parametrize("value", ["{", "[]"])
def test_what_is_noted_of_a_study_is_noted_anew_where_it_is_damaged(file: Path, value: str) -> None:
    attributes = open_storage(f"sqlite:///{file}").study("small").attributes
    attributes.set_importances({"epochs": 1.0})
    where = "key = 'fmsearch.importances'"
    storage = damage(file, "study_user_attributes", "value_json", value, where)
    attributes = storage.study("small").attributes
    assert attributes.importances() == {}
    attributes.set_importances({"epochs": 0.5})
    assert attributes.importances() == {"epochs": 0.5}


def test_status_lists_the_studies_that_can_be_read(
    file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from fmsearch.cli import main

    where = "study_id = 1 AND key = 'fmsearch.study'"
    damage(file, "study_user_attributes", "value_json", "{", where)
    with pytest.raises(SystemExit) as ended:
        main(["status", "--home", str(file.parent)])
    said = capfd.readouterr()
    assert ended.value.code == 1
    assert "other " in said.out
    assert said.err.startswith("fmsearch: the record of the study 'small' is damaged")
    assert said.err.count("\n") == 1


def test_status_names_and_counts_a_damaged_trial(
    file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from fmsearch.cli import main

    where = "trial_id = 2 AND key = 'metrics'"
    damage(file, "trial_user_attributes", "value_json", "{", where)
    for arguments in (["small"], []):
        with pytest.raises(SystemExit) as ended:
            main(["status", *arguments, "--home", str(file.parent)])
        assert ended.value.code in (None, 0)
    lines = capfd.readouterr().out.splitlines()
    assert lines[0] == "small: 3 trials: 1 waiting, 1 complete, 1 damaged"
    line = next(line for line in lines if line.startswith("1 "))
    assert line.split()[1] == "damaged"
    assert "its record in the storage is damaged (JSONDecodeError" in line
    rows = [line for line in lines if line.startswith(("small ", "other "))]
    for row, trials in zip(
        rows, ("1 waiting, 1 complete, 1 damaged", "1 waiting, 2 complete"), strict=True
    ):
        assert f" unfinished   {trials} " in row
