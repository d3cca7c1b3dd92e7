"""Keras Tuner's view of a stored grid, compared with the study."""

from __future__ import annotations

from pathlib import Path

import keras_tuner
import pytest
from sklearn.model_selection import ParameterGrid

from fmsearch.errors import FmsearchError
from fmsearch.search.engines.grid_oracle import (
    GridOracle,
    enumerate_points,
    keras_tuner_oracle,
)
from fmsearch.search.result import Result
from fmsearch.search.space.load import load_space, read_space
from fmsearch.search.storage.storage import open_storage
from fmsearch.search.storage.stored_study import StoredStudy
from fmsearch.search.storage.study_config import StudyConfig
from fmsearch.search.trial import ranking

GRID = """\
name: tiny
model: mlp
engine: keras_tuner
score: {by: validation}
fixed: {epochs: 1}
parameters:
  optimizer: [rmsprop, adam]
  batch_norm: [true, false]
  dropout_rate: [0.0, 0.25, 0.5]
"""
SCORES = {0: 0.5, 1: 0.7, 3: 0.6, 7: 0.7, 11: 0.1}
FAILED, RUNNING, WAITING = 4, 8, (2, 5, 6, 9, 10)


def store(folder: Path, text: str = GRID) -> StoredStudy:
    config = StudyConfig(
        name="tiny",
        space=read_space(text, "tiny"),
        data="data",
        data_sha256="sum",
        seed=0,
        train_images=None,
    )
    return open_storage(f"sqlite:///{folder / 'studies.db'}").open_study(config)


@pytest.fixture
def stored(tmp_path: Path) -> StoredStudy:
    """A grid in the middle of its study."""
    study = store(tmp_path)
    study.enqueue(enumerate_points(study.config.space.choices), study.config.space.choices)
    for number in (*SCORES, FAILED, RUNNING):
        study.take(number)
    for number, score in SCORES.items():
        result = Result(
            settings={},
            seed=0,
            metrics={"score": score},
            history=(),
            confusion=(),
            parameters=0,
            fit_seconds=(1.0,),
            score_seconds=(0.1,),
            started_at=0,
            finished_at=0,
        )
        study.tell(study.trial(number), result)
    study.fail(study.trial(FAILED), "no memory is left")
    return study


@pytest.fixture
def oracle(stored: StoredStudy) -> keras_tuner.Oracle:
    return keras_tuner_oracle(stored)


def test_points_come_in_the_order_of_scikit_learns_parameter_grid() -> None:
    choices = load_space("mlp_grid").choices
    assert enumerate_points(choices) == list(ParameterGrid({**choices}))


def test_an_oracle_stops_after_the_last_point() -> None:
    oracle = GridOracle({"a": (1, 2)})
    statuses = [oracle.create_trial(tuner).status for tuner in "abc"]
    assert statuses == ["RUNNING", "RUNNING", "STOPPED"]


def test_trials_have_the_studys_numbers_parameters_and_scores(
    stored: StoredStudy, oracle: keras_tuner.Oracle
) -> None:
    begun = [trial for trial in stored.trials() if trial.number not in WAITING]
    assert [
        (trial.trial_id, trial.hyperparameters.values, trial.score)
        for trial in oracle.trials.values()
    ] == [(f"{trial.number:02}", dict(trial.parameters), trial.score) for trial in begun]


def test_trials_have_the_status_that_keras_tuner_gives_them(oracle: keras_tuner.Oracle) -> None:
    found = {int(name): trial.status for name, trial in oracle.trials.items()}
    assert found == {**dict.fromkeys(SCORES, "COMPLETED"), FAILED: "FAILED", RUNNING: "RUNNING"}
    assert [trial.trial_id for trial in oracle.ongoing_trials.values()] == ["08"]
    assert oracle.trials["04"].message == "no memory is left"


def test_the_best_trials_are_the_studys_in_the_same_order(
    stored: StoredStudy, oracle: keras_tuner.Oracle
) -> None:
    ours = [(f"{trial.number:02}", trial.score) for trial in ranking(stored.trials())]
    theirs = [(trial.trial_id, trial.score) for trial in oracle.get_best_trials(len(SCORES))]
    assert theirs == ours
    assert theirs[:2] == [("01", 0.7), ("07", 0.7)]


def test_trials_that_wait_remain_and_are_handed_out_by_the_study_alone(
    oracle: keras_tuner.Oracle,
) -> None:
    assert oracle.remaining_trials() == len(WAITING)
    assert oracle.create_trial("somebody").status == "STOPPED"


def test_summaries_say_what_the_storage_has_and_nothing_is_written(
    oracle: keras_tuner.Oracle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tuner = keras_tuner.engine.base_tuner.BaseTuner(
        oracle, lambda _: None, tmp_path / "tuner", "tiny"
    )
    tuner.results_summary(1)
    oracle.trials["04"].summary()
    assert capsys.readouterr().out.splitlines() == [
        "Results summary",
        f"Results in {tmp_path / 'tuner' / 'tiny'}",
        "Showing 1 best trials",
        'Objective(name="score", direction="max")',
        "",
        "Trial 01 summary",
        "Hyperparameters:",
        "batch_norm: True",
        "dropout_rate: 0.0",
        "optimizer: adam",
        "Score: 0.7",
        "Trial 04 summary",
        "Hyperparameters:",
        "batch_norm: True",
        "dropout_rate: 0.5",
        "optimizer: rmsprop",
        "no memory is left",
    ]
    assert not [path for path in tmp_path.rglob("*.json") if path.is_file()]


def test_a_study_that_is_no_grid_has_no_such_view(tmp_path: Path) -> None:
    stored = store(tmp_path, GRID.replace("keras_tuner", "optuna"))
    with pytest.raises(FmsearchError, match="the study 'tiny' is no grid"):
        keras_tuner_oracle(stored)
