"""A database that another program holds is waited for."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from fmsearch.search.space.load import read_space
from fmsearch.search.storage.storage import open_storage
from fmsearch.search.storage.study_config import StudyConfig
from fmsearch.search.trial import State

SPACE = """\
name: {name}
model: mlp
engine: keras_tuner
score: {{by: cross_validation, folds: 2}}
fixed: {{hidden_units: 8, batch_size: 64, epochs: 1}}
parameters: {{dropout_rate: [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]}}
"""


def test_a_storage_that_another_program_holds_is_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = StudyConfig(
        name="held",
        space=read_space(SPACE.format(name="held"), "held"),
        data="here",
        data_sha256="0",
        seed=0,
        train_images=None,
    )
    study = open_storage(f"sqlite:///{tmp_path / 'studies.db'}").open_study(config)
    study.enqueue([{"dropout_rate": 0.0}], {"dropout_rate": [0.0]})
    other = sqlite3.connect(tmp_path / "studies.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(7, other.execute, ["COMMIT"])  # SQLite itself waits for 5 s
    release.start()
    assert study.take(0)
    release.join()
    other.close()
    assert study.trials()[0].state is State.RUNNING
    assert "the storage does not answer; trying again in" in caplog.text
