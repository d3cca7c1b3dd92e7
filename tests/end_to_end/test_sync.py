"""`fmsearch sync`: what an offline study left, and results that the storage does not know."""

from __future__ import annotations

import os
import sqlite3

from fmsearch.locks import hold
from fmsearch.places import Places

from .records import runs, stored, table

OPTIONS = ("--train-images", 400, "--jobs", 1)


def test_an_offline_study_is_shipped_by_sync(fmsearch, four_points, images, tmp_path) -> None:  # type: ignore[no-untyped-def]
    done = fmsearch("study", "--space", four_points, "--data", images, "--offline", *OPTIONS)
    assert "4 trials wait in the outbox; `fmsearch sync` ships them" in done.stdout
    assert not (tmp_path / "mlruns" / "mlflow.db").exists()
    synced = fmsearch("sync")
    assert synced.stdout == "small: 4 of 4 trials shipped\n", synced.stderr
    assert len(runs(tmp_path / "mlruns")) == 4
    assert fmsearch("sync").stdout == ""


def test_sync_leaves_a_study_that_is_run_and_ships_the_others(  # type: ignore[no-untyped-def]
    fmsearch, two_points, images, tmp_path
) -> None:
    for name in ("first", "second"):
        options = ("--name", name, "--data", images, "--offline", *OPTIONS)
        assert fmsearch("study", "--space", two_points, *options).returncode == 0
    with hold(Places.of(tmp_path / "mlruns").lock("first"), "first"):
        synced = fmsearch("sync")
    assert synced.stdout.splitlines() == [
        f"first: left to process {os.getpid()}, which is at it",
        "second: 2 of 2 trials shipped",
    ], synced.stderr
    assert fmsearch("sync").stdout == "first: 2 of 2 trials shipped\n"


def test_results_on_disk_that_the_storage_does_not_know_are_told(  # type: ignore[no-untyped-def]
    fmsearch, four_points, images, tmp_path
) -> None:

    arguments = ("--space", four_points, "--data", images, "--offline", *OPTIONS)
    assert fmsearch("study", *arguments).returncode == 0
    whole = table(tmp_path / "mlruns", "small")
    study = stored(tmp_path / "mlruns", "small")
    with sqlite3.connect(tmp_path / "mlruns" / "studies.db") as database:
        # As if the coordinator had been killed just before it told trials 0 to 2.
        database.execute("delete from trial_values where trial_id <= 3")
        database.execute("delete from trial_user_attributes where trial_id <= 3")
        database.execute("update trials set state = 'RUNNING' where trial_id <= 2")
        database.execute("update trials set state = 'WAITING' where trial_id = 3")
    assert {study.trials()[number].state.value for number in range(3)} == {"running", "waiting"}
    synced = fmsearch("sync")
    assert synced.stdout == "small: 4 of 4 trials shipped\n", synced.stderr
    assert table(tmp_path / "mlruns", "small") == whole
    assert {run.info.status for run in runs(tmp_path / "mlruns")} == {"FINISHED"}
