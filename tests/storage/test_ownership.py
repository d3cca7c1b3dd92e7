"""Whose a running trial is: several coordinators on one PostgreSQL storage."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from fmsearch.errors import FmsearchError
from fmsearch.search.space.load import read_space
from fmsearch.search.storage.database import open_database
from fmsearch.search.storage.storage import open_storage
from fmsearch.search.storage.study_config import StudyConfig
from fmsearch.search.trial import State

MANY = """\
name: many
model: mlp
engine: keras_tuner
score: {{by: cross_validation, folds: 2}}
fixed: {{hidden_units: 8, batch_size: 64, epochs: 1, optimizer: adam}}
parameters: {{dropout_rate: [{rates}]}}
"""


def test_a_trial_whose_coordinator_died_within_its_claim_waits_again_at_once(
    database: str, tmp_path: Path
) -> None:
    space = read_space(MANY.format(rates="0.0"), "many")
    config = StudyConfig(
        name="many", space=space, data="here", data_sha256="0", seed=0, train_images=None
    )
    dead, heir = (open_storage(database, worker).open_study(config) for worker in ("dead", "heir"))
    dead.enqueue([{"dropout_rate": 0.0}], {"dropout_rate": [0.0]})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dead.ownership, "take", lambda trial_id: None)  # which it did not come to
        assert dead.take(0)
    assert heir.trials()[0].state is State.RUNNING
    heir.take_back()
    assert heir.trials()[0].state is State.WAITING
    assert heir.take(0)
    assert not dead.fail(dead.trials()[0], "late")
    assert heir.trials()[0].state is State.RUNNING


def test_a_study_is_run_elsewhere_for_all_but_the_coordinator_that_runs_it(database: str) -> None:
    config = StudyConfig(
        name="many",
        space=read_space(MANY.format(rates="0.0"), "many"),
        data="here",
        data_sha256="0",
        seed=0,
        train_images=None,
    )
    one, other = (open_storage(database, worker).open_study(config) for worker in ("one", "other"))
    one.enqueue([{"dropout_rate": 0.0}], {"dropout_rate": [0.0]})
    other.check_run_nowhere_else()
    assert one.take(0)
    one.check_run_nowhere_else()
    with pytest.raises(FmsearchError, match="the study 'many' is being run by another worker"):
        other.check_run_nowhere_else()


def test_a_coordinator_that_freezes_with_the_lock_loses_it(database: str) -> None:
    frozen, other = open_database(database), open_database(database)
    with frozen.alone("this", frozen_seconds=1):
        began = time.monotonic()
        with other.alone("this"):
            assert time.monotonic() - began > 0.5
        with other.alone("that"):
            pass
