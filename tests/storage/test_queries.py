"""Trials are read as Optuna reads them, though by other queries, and whatever others change."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from optuna.storages import RDBStorage
from optuna.trial import TrialState, create_trial

from fmsearch.search.storage.database import open_database

CHOICES = {"size": optuna.distributions.CategoricalDistribution([8, "large", None, True])}


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'studies.db'}"
    database: str = request.getfixturevalue("database")
    return database.replace("postgresql://", "postgresql+psycopg://")


def make(url: str) -> optuna.Study:
    """A study of two objectives, with trials in every state and every kind of number."""
    storage = RDBStorage(url)
    made = optuna.create_study(
        study_name="all", storage=storage, directions=["maximize", "minimize"]
    )
    for number, values in enumerate(([0.5, math.inf], [-math.inf, 1e-300], None, None)):
        trial = made.ask()
        trial.suggest_float("rate", 1e-6, 1.0, log=True)
        trial.suggest_int("units", 4, 64, step=4)
        trial.suggest_categorical("size", [8, "large", None, True])
        trial.set_user_attr("metrics", {"score": number / 3})
        trial.set_user_attr("names", ["ä", None])
        for step, score in enumerate((0.1, math.nan, math.inf, -math.inf), start=1):
            storage.set_trial_intermediate_value(trial._trial_id, step, score)
        if values:
            made.tell(trial, values)
        elif number == 2:
            made.tell(trial, state=TrialState.FAIL)
    made.enqueue_trial({"units": 8})
    made.add_trial(create_trial(state=TrialState.PRUNED, params={}, distributions={}))
    return made


@pytest.fixture
def far_from_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A local time that is not the one that Optuna stores."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Kolkata")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("far_from_utc")
def test_trials_are_those_that_optuna_reads(url: str) -> None:
    optuna_state = make(url).get_trials()
    ours = open_database(url).optuna
    study_id = ours.get_study_id_from_name("all")
    assert len(optuna_state) == 6
    assert {trial.state for trial in optuna_state} == set(TrialState)
    assert [repr(trial) for trial in ours.get_all_trials(study_id)] == list(map(repr, optuna_state))
    alone = [ours.get_trial(trial._trial_id) for trial in optuna_state]
    assert list(map(repr, alone)) == list(map(repr, optuna_state))


def test_the_best_trial_and_the_states_are_found_without_reading_all(url: str) -> None:
    storage = RDBStorage(url)
    made = optuna.create_study(
        study_name="best", storage=storage, directions=["maximize", "minimize"]
    )
    backend, study_id = open_database(url).backend, made._study_id
    assert backend.best(study_id, "repeats") is None
    assert backend.counts(study_id) == {}
    for values in ([0.5, 9.0], [0.7, 1.0], [0.7, 0.0], None, [0.9, 2.0], [-math.inf, 5.0]):
        trial = made.ask()
        if values == [0.9, 2.0]:
            trial.set_user_attr("repeats", 1)
        made.tell(trial, values, state=None if values else TrialState.PRUNED)
    made.ask()
    other = optuna.create_study(study_name="other", storage=storage)
    other.tell(other.ask(), 5.0)
    assert repr(backend.best(study_id, "repeats")) == repr(made.get_trials()[1])
    assert repr(backend.best(study_id, "nothing")) == repr(made.get_trials()[4])
    assert backend.counts(study_id) == {"running": 1, "complete": 5, "pruned": 1}


@pytest.mark.usefixtures("far_from_utc")
def test_the_latest_and_the_running_trials_are_found_without_reading_the_others(url: str) -> None:
    every = make(url).get_trials()
    other = optuna.create_study(study_name="other", storage=url)
    other.ask()
    store = open_database(url)
    backend, study_id = store.backend, store.optuna.get_study_id_from_name("all")
    started = [repr(trial) for trial in every if trial.state is not TrialState.WAITING]
    assert len(started) == 5
    for most in (0, 2, 5, 9):
        latest = backend.latest(study_id, most)
        assert list(map(repr, latest)) == started[len(started) - min(most, 5) :]
    running = [repr(trial) for trial in every if trial.state is TrialState.RUNNING]
    assert len(running) == 1
    assert list(map(repr, backend.running(study_id))) == running


def test_garbage_is_collected_again_after_trials_were_looked_for_in_vain(url: str) -> None:
    storage = open_database(url).optuna
    with pytest.raises(KeyError):
        storage.get_all_trials(7)
    assert gc.isenabled()


def test_what_others_do_to_waiting_trials_is_seen(url: str) -> None:
    theirs, ours = open_database(url).optuna, open_database(url).optuna
    study_id = theirs.create_new_study([optuna.study.StudyDirection.MAXIMIZE], "grid")
    ids = []
    for size in CHOICES["size"].choices:
        waiting = create_trial(
            state=TrialState.WAITING, params={"size": size}, distributions=CHOICES
        )
        ids.append(theirs.create_new_trial(study_id, waiting))

    def seen() -> str:
        return "".join(trial.state.name[0] for trial in ours.get_all_trials(study_id))

    assert seen() == "WWWW"
    theirs.set_trial_state_values(ids[1], TrialState.RUNNING)
    theirs.set_trial_state_values(ids[3], TrialState.RUNNING)
    assert seen() == "WRWR"
    theirs.set_trial_state_values(ids[3], TrialState.COMPLETE, [1.0])  # ids below are read still
    assert seen() == "WRWC"
    theirs.set_trial_state_values(ids[1], TrialState.WAITING)
    assert seen() == "WWWC"
    theirs.set_trial_state_values(ids[0], TrialState.RUNNING)
    theirs.set_trial_state_values(ids[0], TrialState.FAIL)
    assert seen() == "FWWC"
    theirs.create_new_trial(study_id, create_trial(state=TrialState.WAITING))
    assert seen() == "FWWCW"
    theirs.set_trial_state_values(ids[1], TrialState.RUNNING)
    assert seen() == "FRWCW"
    ours.delete_study(study_id)
    again = ours.create_new_study([optuna.study.StudyDirection.MAXIMIZE], "grid")
    theirs.create_new_trial(again, create_trial(state=TrialState.WAITING))
    assert [trial.state.name for trial in ours.get_all_trials(again)] == ["WAITING"]
