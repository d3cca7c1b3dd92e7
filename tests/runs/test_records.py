"""Runs of studies and trials, made from what the storage says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fmsearch.models.data import describe, load_training
from fmsearch.models.split import split_rows
from fmsearch.places import Places
from fmsearch.search.outbox import read_entry, write_note
from fmsearch.search.result import Failure
from fmsearch.search.runs.records import RunRecords
from fmsearch.search.runs.values import study_outcome
from fmsearch.search.space.load import load_space
from fmsearch.search.storage.study_config import StudyConfig
from fmsearch.search.trial import State, Trial
from fmsearch.tracking.run_record import Status
from fmsearch.tracking.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(Places.of(tmp_path / "store"))


def test_the_best_parameters_of_a_grid_are_params_once_no_point_is_left() -> None:
    space = load_space("mlp_grid")
    study = StudyConfig(
        name="s", space=space, data="data", data_sha256="sha256", seed=0, train_images=None, id="id"
    )
    best = Trial(0, {"epochs": 3}, State.COMPLETE, score=0.5)
    left = study_outcome(study, [best, Trial(1, {"epochs": 4}, State.WAITING)])
    assert (left.params, left.metrics) == ({"seed": "0"}, {"best_score": 0.5, "best_trial": 0.0})
    assert study_outcome(study, [best]).params == {"seed": "0", "epochs": "3"}


def test_a_studys_run_shows_its_last_score_though_the_clock_went_back(
    store: Store, images: Path, tmp_path: Path
) -> None:
    space, data = load_space("mlp_grid"), describe(str(images))
    study = StudyConfig(
        name="s",
        space=space,
        data=data.spec,
        data_sha256=data.sha256,
        seed=0,
        train_images=None,
        id="id",
    )
    run_records = RunRecords(study, data, split_rows(load_training(data.spec).labels))
    seconds, score = (1.0,), {"fold_1_score": 0.5}
    first = Trial(0, {"epochs": 1}, State.COMPLETE, 0.5, score, seconds, seconds)
    second = replace(first, number=1, score=0.6)
    (files := tmp_path / "files").mkdir()
    store.ship(run_records.study_ended([first], Status.KILLED, 9_000, files))
    run_id = store.ship(run_records.study_ended([first, second], Status.FINISHED, 5_000, files))
    assert store.client.get_run(run_id).data.metrics == {"best_score": 0.6, "best_trial": 1.0}


def test_a_failed_trial_has_a_run_that_says_why(store: Store, images: Path, tmp_path: Path) -> None:
    space = load_space("mlp_grid")
    data = describe(str(images))
    split = split_rows(load_training(data.spec).labels)
    study = StudyConfig(
        name="s",
        space=space,
        data=data.spec,
        data_sha256=data.sha256,
        seed=0,
        train_images=None,
        id="id",
    )
    entry = tmp_path / "trial-000003"
    write_note(entry, Failure({"epochs": 3}, 7, "the loss is nan", 9_000))
    result, _ = read_entry(entry)
    trial = Trial(3, {"epochs": 3}, State.FAILED, reason="the loss is nan", result=result)
    run_id = store.ship(RunRecords(study, data, split).trial(trial, entry))
    run = store.client.get_run(run_id)
    assert (run.info.status, run.info.end_time) == ("FAILED", 9_000)
    assert run.data.tags["fmsearch.state"] == "failed"
    assert run.data.tags["fmsearch.result"] == result
    assert run.data.tags["fmsearch.error"] == "the loss is nan"
    assert run.data.params == {"epochs": "3", "seed": "7"}
