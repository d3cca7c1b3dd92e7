"""`fmsearch sync`: what an offline study left, and results that the ledger does not know."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from mlflow import MlflowClient

from fmsearch.search.lock import hold
from fmsearch.tracking.places import Places

OPTIONS = ("--train-images", 400)


def scores(store: Path) -> dict[int, tuple[str, ...]]:
    """Each trial's state, score and fold scores, as the ledger has them, to the last bit."""
    from fmsearch.search.ledger import Ledger

    trials = Ledger(f"sqlite:///{store / 'studies.db'}").study("small").trials()
    return {t.number: (t.state.value, repr(t.score), repr(t.fold_scores)) for t in trials}


def trial_runs(store: Path) -> list:  # type: ignore[type-arg]
    client = MlflowClient(f"sqlite:///{store / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("fmsearch")
    assert experiment is not None
    return client.search_runs([experiment.experiment_id], "tags.`fmsearch.role` = 'trial'")


def test_an_offline_study_is_shipped_by_sync(fmsearch, small_grid, images, tmp_path) -> None:  # type: ignore[no-untyped-def]
    done = fmsearch("study", "--space", small_grid, "--data", images, "--offline", *OPTIONS)
    assert "8 trials wait in the outbox; `fmsearch sync` ships them" in done.stdout
    assert not (tmp_path / "mlruns" / "mlflow.db").exists()
    synced = fmsearch("sync")
    assert synced.stdout == "small: 8 of 8 trials shipped\n", synced.stderr
    assert len(trial_runs(tmp_path / "mlruns")) == 8
    assert fmsearch("sync").stdout == ""


def test_sync_leaves_a_study_that_is_run_and_ships_the_others(  # type: ignore[no-untyped-def]
    fmsearch, small_grid, images, tmp_path
) -> None:
    grid = small_grid.read_text().replace("layers: [1, 2]", "layers: [1]")
    small_grid.write_text(grid.replace("epochs: [1, 2]", "epochs: [1]"))
    for name in ("first", "second"):
        options = ("--name", name, "--data", images, "--offline", *OPTIONS)
        assert fmsearch("study", "--space", small_grid, *options).returncode == 0
    with hold(Places.of(tmp_path / "mlruns").lock("first"), "first"):
        synced = fmsearch("sync")
    assert synced.stdout.splitlines() == [
        f"first: left to process {os.getpid()}, which is at it",
        "second: 2 of 2 trials shipped",
    ], synced.stderr
    assert fmsearch("sync").stdout == "first: 2 of 2 trials shipped\n"


def test_results_on_disk_that_the_ledger_does_not_know_are_told(  # type: ignore[no-untyped-def]
    fmsearch, small_grid, images, tmp_path
) -> None:
    from fmsearch.search.ledger import Ledger

    arguments = ("--space", small_grid, "--data", images, "--offline", *OPTIONS)
    assert fmsearch("study", *arguments).returncode == 0
    whole = scores(tmp_path / "mlruns")
    study = Ledger(f"sqlite:///{tmp_path / 'mlruns' / 'studies.db'}").study("small")
    with sqlite3.connect(tmp_path / "mlruns" / "studies.db") as database:
        # As if the coordinator had been killed just before it told trials 0 to 2.
        database.execute("delete from trial_values where trial_id <= 3")
        database.execute("delete from trial_user_attributes where trial_id <= 3")
        database.execute("update trials set state = 'RUNNING' where trial_id <= 2")
        database.execute("update trials set state = 'WAITING' where trial_id = 3")
    assert {study.trials()[number].state.value for number in range(3)} == {"running", "waiting"}
    synced = fmsearch("sync")
    assert synced.stdout == "small: 8 of 8 trials shipped\n", synced.stderr
    assert scores(tmp_path / "mlruns") == whole
    assert {run.info.status for run in trial_runs(tmp_path / "mlruns")} == {"FINISHED"}
