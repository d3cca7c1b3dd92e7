"""The final training of `register` goes on where it was cut off."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from mlflow import MlflowClient

from fmsearch.errors import FmsearchError
from fmsearch.models.data import describe, load_test, load_training
from fmsearch.models.network import Network, Pixels
from fmsearch.models.split import Fold
from fmsearch.models.training import fit
from fmsearch.places import Places
from fmsearch.search.doctor.doctor import examine
from fmsearch.search.retrain.champion import register_best
from fmsearch.search.retrain.choice import choose
from fmsearch.search.retrain.gate import GATE, Answers, gate_rows
from fmsearch.search.retrain.latency import measure_latency
from fmsearch.search.retrain.own_model import register_own
from fmsearch.search.space.load import read_space
from fmsearch.search.storage.storage import open_storage
from fmsearch.search.study.plan import Plan
from fmsearch.search.study.run import run_study
from fmsearch.search.study.sync import run_records_of, sync_all
from fmsearch.search.trainers import pool
from fmsearch.search.trainers.messages import EpochDone
from fmsearch.search.trial import Trial
from fmsearch.tracking.store import Store
from fmsearch.tracking.stored_models import load_network
from fmsearch.tracking.stored_runs import find_named, read_metrics, read_text

from ..conftest import newest_trainer

SPACE = """\
name: one
model: mlp
engine: keras_tuner
score: {by: cross_validation, folds: 2}
fixed: {epochs: 1, hidden_units: 8, dropout_rate: 0.2}
parameters: {layers: [1]}
"""
EPOCHS = 6

OnEpoch = Callable[[EpochDone], None]


class Unwatched:
    """Nothing is noted of a study."""

    def on_start(self, trials: list[Trial], total: int | None, jobs: int) -> None: ...

    def on_trial_end(self, trial: Trial, best: Trial | None) -> None: ...

    def on_epoch(self, trainer: int, trials: tuple[Trial, ...], done: EpochDone) -> None: ...


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory, images: Path) -> Path:
    """The home of a finished study, with an empty store."""
    home = tmp_path_factory.mktemp("studied") / "mlruns"
    places = Places.of(home)
    run_study(plan_of(places, images), Unwatched())
    Store(places)
    return home


def plan_of(places: Places, images: Path) -> Plan:
    return Plan(
        space=read_space(SPACE, "one"),
        name="one",
        data=describe(str(images)),
        seed=0,
        jobs=1,
        train_images=400,
        places=places,
        offline=True,
    )


@pytest.fixture
def home(studied: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(studied, tmp_path / "mlruns"))


def register(
    home: Path, on_epoch: OnEpoch = lambda done: None, storage: str | None = None
) -> dict[tuple[str, int], float]:
    """Registers the study's best, with a checkpoint after each epoch; all numbers but the time."""
    places = Places.of(home, storage=storage)
    study = open_storage(places.storage).study("one")
    run_records = run_records_of(study.config)
    options = {"name": "one", "alias": "champion", "epochs": EPOCHS, "checkpoint_every": 0.0}
    register_best(study, run_records, places, **options, on_epoch=on_epoch)
    store = Store(places)
    run = find_named(store, "one-0000-final")
    metrics = read_metrics(store, run)
    answers = Answers.read(read_text(store, run, GATE))
    numbers = {key: value for key, value in metrics.items() if key[0] != "train_seconds"}
    return {**numbers, ("gate_accuracy", 0): answers.accuracy}


@pytest.fixture(scope="module")
def undisturbed(studied: Path, tmp_path_factory: pytest.TempPathFactory) -> object:
    """The numbers of a training that nothing cuts off."""
    home = tmp_path_factory.mktemp("undisturbed") / "mlruns"
    return register(Path(shutil.copytree(studied, home)))


def test_a_final_training_whose_trainer_is_killed_goes_on_bit_for_bit(  # type: ignore[no-untyped-def]
    home, undisturbed
) -> None:
    epochs, deadly = [], {2, 5, EPOCHS + 2, EPOCHS + 5}  # in both trainings

    def kill(done: EpochDone) -> None:
        epochs.append(done.epoch + EPOCHS * (EPOCHS in epochs))
        if epochs[-1] in deadly:
            deadly.remove(epochs[-1])
            os.kill(newest_trainer(), signal.SIGKILL)

    assert register(home, kill) == undisturbed
    assert not deadly
    # What came after the last checkpoint is done again, but never the first epoch.
    for first in (1, EPOCHS + 1):
        assert epochs.count(first) == 1
        assert epochs.count(first + EPOCHS - 1) == 1
    assert not list((home / "finals").iterdir())


def test_a_register_that_is_interrupted_goes_on_bit_for_bit(home, undisturbed) -> None:  # type: ignore[no-untyped-def]
    epochs = []

    def interrupt(done: EpochDone) -> None:
        epochs.append(done.epoch)
        if epochs[-3:] == [1, 2, 3]:  # once in each training
            raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            register(home, interrupt)
    assert register(home, interrupt) == undisturbed
    assert epochs.count(1) == 2
    assert epochs[3] in (3, 4)  # whether the third epoch's checkpoint was whole yet or not


def test_of_two_hosts_one_makes_the_run_and_the_version_at_a_time(
    database: str, tmp_path: Path, images: Path
) -> None:
    home = tmp_path / "mlruns"
    places = Places.of(home, storage=database)
    plan = plan_of(places, images)
    run_study(plan, Unwatched())
    study = open_storage(database).study("one")
    is_held = Event()

    def look() -> int:
        """How many runs there are 3 s after the training, while another host has the lock."""
        with study.ownership.shipping_lock():
            is_held.set()
            deadline = time.monotonic() + 120
            while not list((home / "finals").glob("one-*/result.json")):
                assert time.monotonic() < deadline
                time.sleep(0.05)
            time.sleep(3)
            return len(Store(places).client.search_runs(["1"]))

    with ThreadPoolExecutor() as threads:
        looking = threads.submit(look)
        assert is_held.wait(60)
        assert register(home, storage=database)
        assert looking.result() == 0
    assert len(Store(places).client.search_model_versions()) == 1


def test_three_deaths_without_a_new_epoch_are_one_line(home, monkeypatch, caplog) -> None:  # type: ignore[no-untyped-def]
    start = pool.start_process

    def start_and_kill(*arguments):  # type: ignore[no-untyped-def]
        process, connection = start(*arguments)
        os.kill(process.pid, signal.SIGKILL)
        return process, connection

    monkeypatch.setattr(pool, "start_process", start_and_kill)
    expected = r"trainer died 3 times without a new epoch \(exit code -9: killed, as "
    with pytest.raises(FmsearchError, match=expected):
        register(home)
    assert caplog.text.count("a trainer died") == 3
    assert not MlflowClient(f"sqlite:///{home / 'mlflow.db'}").search_registered_models()


def test_a_gate_model_is_trained_as_the_model_but_without_the_gate_images(  # type: ignore[no-untyped-def]
    home,
) -> None:
    """Trained again by hand: the answers on record are those of this model."""
    register(home)
    places = Places.of(home)
    store = Store(places)
    run = find_named(store, "one-0000-final")
    answers = Answers.read(read_text(store, run, GATE))
    run_records = run_records_of(open_storage(places.storage).study("one").config)
    data, rows = run_records.data, gate_rows(run_records.data)
    images = load_training(data.spec)
    left = np.setdiff1d(np.arange(len(images), dtype=np.int32), rows)
    space = run_records.space
    network = Network(Pixels(images, 10), space.family, space.settings({"layers": 1}))
    for _ in fit(network, Fold(left, rows), int(run.params["seed"]), EPOCHS):
        pass
    assert answers.predicted == tuple(network.predict(rows).tolist())
    assert answers.labels == tuple(images.labels[rows].tolist())
    assert answers.accuracy == network.evaluate(rows).accuracy > 0.3


def test_a_trials_own_model_is_registered_as_it_is(  # type: ignore[no-untyped-def]
    home, monkeypatch
) -> None:
    places, asked = Places.of(home), []
    study = open_storage(places.storage).study("one")
    run_records, options = run_records_of(study.config), {"name": "own", "alias": "champion"}
    with pytest.raises(FmsearchError, match="trial 0 of 'one' is not in MLflow yet"):
        register_own(study, run_records, places, choose(study), **options)
    with monkeypatch.context() as patch:  # nothing that is shipped lies where cleaners come
        patch.setattr(tempfile, "tempdir", str(home / "removed"))
        assert [one.left for one in sync_all(places)] == [None]
    for _ in range(2):  # the second time nothing is asked again
        done = register_own(
            study, run_records, places, choose(study), **options, on_job=asked.append
        )
    assert [job.gate is None for job in asked] == [False, True]
    store = Store(places)
    run = store.client.get_run(find_named(store, "one-0000").id)
    version = store.client.get_model_version("own", "1")
    assert (version.run_id, version.aliases) == (run.info.run_id, ["champion"])
    assert "on 150 of 2,400 training images" in version.description  # one of two folds of 300
    network, data = load_network(store, run), run_records.data
    images, rows = load_training(data.spec), gate_rows(data)
    answers = Answers.read(read_text(store, find_named(store, "one-0000"), GATE))
    assert answers.predicted == tuple(network.predict(images.pixels[rows]).argmax(axis=1))
    test = load_test(data.spec)
    right = network.predict(test.pixels).argmax(axis=1) == test.labels
    assert done.test_accuracy == run.data.metrics["test_accuracy"] == right.mean()
    assert not list((home / "finals").iterdir())
    assert [one.left for one in examine(places, ["one"], fix=False)] == [[]]


def test_the_time_for_an_image_is_measured(home) -> None:  # type: ignore[no-untyped-def]
    study = open_storage(Places.of(home).storage).study("one")
    run_records = run_records_of(study.config)
    got = choose(study, most_seconds=1.0, seconds_of=partial(measure_latency, run_records))
    assert got.trial.number == 0
    assert 1e-5 < measure_latency(run_records, got.trial) < 1
