"""A run is trained again from what it records alone, and every number is compared."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

from fmsearch.models.kernels import tensorflows_choice
from fmsearch.places import Places
from fmsearch.search.environment import Environment, here
from fmsearch.tracking.embedded import in_use

from ..conftest import Run, WarmProgram

GRID = """\
name: small
model: mlp
engine: keras_tuner
score: {by: cross_validation, folds: 3}
fixed: {hidden_units: 16, dropout_rate: 0.2, batch_size: 64}
parameters: {epochs: [1, 2], optimizer: [adam, rmsprop]}
"""
PRUNED = """\
name: pruned
model: mlp
engine: optuna
sampler: random
pruner: median
score: {by: validation}
fixed: {epochs: 6, layers: 1, hidden_units: 16, optimizer: sgd}
parameters: {learning_rate: {float: [0.000001, 0.1], log: true}}
published: [{learning_rate: 0.1}, {learning_rate: 0.09}, {learning_rate: 0.08},
  {learning_rate: 0.07}, {learning_rate: 0.06}, {learning_rate: 0.000001}, {learning_rate: 0.1}]
"""
FOLDS = PRUNED.replace("by: validation", "by: cross_validation, folds: 3").replace("6,", "2,")


@pytest.fixture(scope="module")
def finished(
    tmp_path_factory: pytest.TempPathFactory, warm_program: WarmProgram, images: Path
) -> Path:
    """A folder with data and the store of three studies and a registered model."""
    folder = tmp_path_factory.mktemp("finished")
    data = shutil.copyfile(images, folder / "mine.npz")
    for name, text, more in (
        ("small", GRID, ("--jobs", 2)),
        ("pruned", PRUNED, ("--jobs", 1, "--trials", 7)),
        ("folds", FOLDS.replace("name: pruned", "name: folds"), ("--jobs", 1, "--trials", 6)),
    ):
        (folder / f"{name}.yaml").write_text(text)
        options = ("--data", data, "--train-images", 400, "--keep-models", "none")
        done = warm_program.run(folder, "study", "--space", f"{name}.yaml", *options, *more)
        assert done.returncode == 0, done.stderr
    done = warm_program.run(folder, "register", "--study", "small", "--epochs", 2)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def replay(finished: Path, fmsearch: Run) -> Run:
    """Replays a run, of the finished store or of another home."""
    return lambda run, home=finished / "mlruns", **how: fmsearch(
        "replay", run, "--home", home, **how
    )


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    """A copy of the store, to be changed; that it has moved has been said."""
    home = Path(shutil.copytree(finished / "mlruns", tmp_path / "mlruns"))
    with in_use(Places.of(home)):
        return home


def client(home: Path) -> MlflowClient:
    return MlflowClient(f"sqlite:///{home / 'mlflow.db'}")


def run_id(home: Path, name: str) -> str:
    (run,) = client(home).search_runs(["1"], f"run_name = '{name}'")
    return str(run.info.run_id)


def test_a_trial_replays_identical_epoch_by_epoch(replay) -> None:  # type: ignore[no-untyped-def]
    done = replay("small-0003")
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "training small-0003 again",
        *(f"  fold {fold}/3 epoch {epoch}/2" for fold in (1, 2, 3) for epoch in (1, 2)),
        "identical: 14 numbers of run small-0003",  # 4 curves of 2 epochs, 5 scores, a count
    ]
    assert done.returncode == 0


def test_the_run_alone_is_enough_and_the_store_stays_as_it_was(replay, copied) -> None:  # type: ignore[no-untyped-def]
    shutil.rmtree(copied / "locks")
    (copied / "studies.db").unlink()
    before = [run.to_dictionary() for run in client(copied).search_runs(["1"])]
    # One epoch of the training that went on for trial 3.
    done = replay(run_id(copied, "small-0001"), copied)
    assert done.stdout.splitlines()[-1] == "identical: 10 numbers of run small-0001"
    assert [run.to_dictionary() for run in client(copied).search_runs(["1"])] == before
    assert not (copied / "studies.db").exists()


def test_the_first_number_that_differs_is_named(replay, copied) -> None:  # type: ignore[no-untyped-def]
    run = run_id(copied, "small-0003")
    (_, point) = client(copied).get_metric_history(run, "val_loss")
    other = float(np.nextafter(point.value, 9))  # one bit
    with sqlite3.connect(copied / "mlflow.db") as database:
        change = "update metrics set value = ? where run_uuid = ? and key = 'val_loss' and step = 2"
        assert database.execute(change, (other, run)).rowcount == 1
    done = replay("small-0003", copied)
    last = f"differs: val_loss at epoch 2: {other} then, {point.value} now"
    assert done.stdout.splitlines()[-1] == last
    assert done.returncode == 1


def test_other_data_at_the_same_place_are_named_first(replay, finished, images) -> None:  # type: ignore[no-untyped-def]
    with np.load(images) as arrays:
        np.savez(finished / "mine.npz", **{**arrays, "x_train": 255 - arrays["x_train"]})
    try:
        done = replay("small-0000")
    finally:
        shutil.copyfile(images, finished / "mine.npz")
    first, *_, last = done.stdout.splitlines()
    assert first.startswith(f"data differ: {finished / 'mine.npz'} had SHA-256 ")
    assert last.startswith("differs: train_loss at epoch 1: ")
    assert done.returncode == 1


def test_data_that_have_moved_can_be_named(fmsearch, finished, images) -> None:  # type: ignore[no-untyped-def]
    (finished / "mine.npz").unlink()
    try:
        gone = fmsearch("replay", "small-0000", "--home", finished / "mlruns")
        done = fmsearch("replay", "small-0000", "--home", finished / "mlruns", "--data", images)
    finally:
        shutil.copyfile(images, finished / "mine.npz")
    assert gone.stderr.startswith(f"fmsearch: no data set '{finished / 'mine.npz'}'; --data takes")
    assert done.stdout.splitlines()[-1] == "identical: 10 numbers of run small-0000"


def test_other_versions_and_another_processor_are_named_first(replay, copied) -> None:  # type: ignore[no-untyped-def]
    run = run_id(copied, "small-0000")
    now = here()
    then = Environment({**now.versions, "tensorflow": "2.20.0"}, "Abacus, beads")
    for name, value in then.tags.items():
        client(copied).set_tag(run, name, value)
    done = replay("small-0000", copied)
    assert done.stdout.splitlines()[:2] == [
        f"versions differ: tensorflow 2.20.0 then, {now.versions['tensorflow']} now",
        f"processor differs: Abacus, beads then, {now.processor} now",
    ]
    assert done.returncode == 0


def test_other_kernels_are_named_first(replay) -> None:  # type: ignore[no-untyped-def]
    then = tensorflows_choice()
    (now,) = {"eigen", "onednn"} - {then}
    done = replay("small-0000", FMSEARCH_KERNELS=now)
    assert done.stdout.splitlines()[0] == f"kernels differ: {then} then, {now} now"


def test_a_pruned_trial_is_trained_as_far_as_it_went(replay) -> None:  # type: ignore[no-untyped-def]
    done = replay("pruned-0005")
    assert done.stdout.splitlines() == [
        "training pruned-0005 again",
        *(f"  epoch {epoch}/2" for epoch in (1, 2)),
        "identical: 9 numbers of run pruned-0005",
    ]
    done = replay("folds-0005")
    assert done.stdout.splitlines() == [
        "training folds-0005 again",
        *(f"  epoch {epoch}/2" for epoch in (1, 2)),
        "identical: 9 numbers of run folds-0005",
    ]


def test_a_duplicate_replays_the_trial_that_it_repeats(replay) -> None:  # type: ignore[no-untyped-def]
    done = replay("pruned-0006")
    # score, best_epoch, parameters
    assert done.stdout.splitlines()[-1] == "identical: 3 numbers of run pruned-0006"


def test_a_final_model_replays_identical(replay, finished) -> None:  # type: ignore[no-untyped-def]
    (run,) = client(finished / "mlruns").search_runs(["1"], "tags.`fmsearch.role` = 'final'")
    done = replay(run.info.run_name)
    last = f"identical: 7 numbers of run {run.info.run_name}"  # 2 curves, 2 of the test, a count
    assert done.stdout.splitlines()[1:] == ["  epoch 1/2", "  epoch 2/2", last]


def test_what_cannot_be_replayed_is_one_line(replay, copied) -> None:  # type: ignore[no-untyped-def]
    for name, kind in (("small-0001", "FAILED"), ("small-0002", "RUNNING")):
        client(copied).update_run(run_id(copied, name), kind)
    client(copied).delete_tag(run_id(copied, "small-0003"), "fmsearch.versions")
    client(copied).delete_run(run_id(copied, "folds"))
    client(copied).update_run(run_id(copied, "pruned-0001"), name="pruned-0002")
    client(copied).create_run("1", run_name="strange")
    for name, expected in {
        "nobody": "no run 'nobody'; give a run's id or its name, such as mlp_grid-0006",
        "it's": 'no run "it\'s"; give',
        "small": "small is the run of a study; name one of its trials, such as small-0000",
        "strange": "strange is no run of fmsearch's; name a trial's",
        "small-0001": "small-0001 failed: it has no numbers to compare",
        "small-0002": "small-0002 is not whole yet; `fmsearch sync` ships what is left",
        "small-0003": "small-0003 was recorded without versions and number of images, by an",
        "folds-0000": "folds-0000 cannot be replayed without the run of its study, which is",
        "pruned-0002": "2 runs are called 'pruned-0002'; give the id of one: ",
    }.items():
        done = replay(name, copied)
        assert done.stderr.startswith(f"fmsearch: {expected}")
        assert done.stderr.count("\n") == 1
        assert (done.stdout, done.returncode) == ("", 1)


def test_a_store_that_is_not_there_is_one_line_and_is_not_made(replay, tmp_path) -> None:  # type: ignore[no-untyped-def]
    done = replay("small-0000", tmp_path / "none")
    assert "there is no store at" in done.stderr
    assert not (tmp_path / "none").exists()


def test_an_experiment_that_is_not_there_is_one_line_and_is_not_made(fmsearch, copied) -> None:  # type: ignore[no-untyped-def]
    done = fmsearch("replay", "small-0000", "--home", copied, "--experiment", "other")
    assert done.stderr.startswith("fmsearch: there is no experiment 'other' in MLflow at sqlite:")
    assert client(copied).get_experiment_by_name("other") is None
