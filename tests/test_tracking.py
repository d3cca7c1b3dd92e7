"""The store and the shipper: whole, once, and whatever happens between."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from fmsearch.models.data import describe, load_training
from fmsearch.models.families import FAMILIES
from fmsearch.models.split import split_rows
from fmsearch.places import Places, shown
from fmsearch.search.outbox import write_note
from fmsearch.search.result import Failure
from fmsearch.search.runs.records import RunRecords
from fmsearch.search.runs.values import study_outcome
from fmsearch.search.space.load import load_space
from fmsearch.search.storage.study_config import StudyConfig
from fmsearch.search.trial import State, Trial
from fmsearch.tracking.reachability import TrackingError
from fmsearch.tracking.registry import register_version
from fmsearch.tracking.run_record import LoggedModel, Metric, RunRecord, Status, tagged
from fmsearch.tracking.shipper import Shipper
from fmsearch.tracking.store import Store

IDENTITY = {"fmsearch.study": "s", "fmsearch.role": "trial", "fmsearch.trial": "3"}


@pytest.fixture(scope="module")
def keras_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = FAMILIES["mlp"].complete({"hidden_units": 4, "layers": 1, "dropout_rate": 0.1})
    file = tmp_path_factory.mktemp("model") / "model.keras"
    FAMILIES["mlp"].make((28, 28), 10, settings).save(file)
    return file


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(Places.of(tmp_path / "store"))


@pytest.fixture
def record(tmp_path: Path, keras_file: Path) -> RunRecord:
    artifacts = tmp_path / "artifacts"
    artifacts.mkdir()
    (artifacts / "note.txt").write_text("text")
    return RunRecord(
        name="s-0003",
        identity=IDENTITY,
        status=Status.FINISHED,
        started_at=1_000,
        ended_at=5_000,
        tags={"long": "x" * 9_000},
        params={"a": "1"},
        metrics=tuple(Metric("loss", 1 / step, step, 1_000 + step) for step in range(1, 1_501)),
        artifacts=artifacts,
        model=LoggedModel(keras_file, (28, 28), 10, step=2),
    )


def test_a_run_is_shipped_whole(store: Store, record: RunRecord) -> None:
    run_id = store.ship(record)
    run = store.client.get_run(run_id)
    assert (run.info.run_name, run.info.status) == ("s-0003", "FINISHED")
    assert (run.info.start_time, run.info.end_time) == (1_000, 5_000)
    assert len(store.client.get_metric_history(run_id, "loss")) == 1_500
    assert [file.path for file in store.client.list_artifacts(run_id)] == ["note.txt"]
    assert len(run.data.tags["long"]) == 8_000


def test_shipping_twice_stores_once(store: Store, record: RunRecord) -> None:
    first = store.ship(record)
    before = store.client.get_run(first).to_dictionary()
    assert store.ship(record) == first
    assert store.client.get_run(first).to_dictionary() == before
    assert len(store.client.search_runs([store.experiment_id])) == 1


def test_a_shipment_that_was_cut_off_is_finished_not_doubled(
    store: Store, record: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_: object) -> None:
        raise OSError("cut")

    methods = (
        "log_model_artifacts", "finalize_logged_model", "log_outputs", "log_artifacts", "log_batch",
        "set_terminated",
    )  # fmt: skip
    for method in methods:
        with monkeypatch.context() as patch:
            patch.setattr(store.client, method, cut)
            with pytest.raises(TrackingError, match="cut"):
                store.ship(record)
    run_id = store.ship(record)
    (run,) = store.client.search_runs([store.experiment_id])
    assert (run.info.run_id, run.info.status) == (run_id, "FINISHED")
    (model,) = store.client.search_logged_models([store.experiment_id])
    assert str(model.status) == "READY"
    assert [one.model_id for one in run.outputs.model_outputs] == [model.model_id]
    folders = Path(model.artifact_location.removeprefix("file://")).parents[1].iterdir()
    # MLflow leaves the folders of deleted models, but no file.
    assert [one.name for one in folders if any(one.iterdir())] == [model.model_id]
    assert len(store.client.get_metric_history(run_id, "loss")) == 1_500


def test_what_a_kill_left_of_the_migrations_is_removed(tmp_path: Path) -> None:
    places = Places.of(tmp_path / "store")
    part = places.home / ".mlflow.db.part"
    for _ in ("before the database has its name", "after it"):
        part.mkdir(parents=True)
        (part / "mlflow.db").write_bytes(b"half")
        Store(places)
        assert not part.exists()


def test_an_interrupted_run_is_running_again_when_it_goes_on(store: Store) -> None:
    def study(status: Status, ended_at: int | None) -> RunRecord:
        return RunRecord(
            name="s",
            identity={"fmsearch.role": "study"},
            status=status,
            started_at=1,
            ended_at=ended_at,
        )

    states = []
    for record in (study(Status.RUNNING, None), study(Status.KILLED, 9)) * 2:
        states.append(store.client.get_run(store.ship(record)).info.status)
    assert states == ["RUNNING", "KILLED", "RUNNING", "KILLED"]


def test_a_version_is_registered_once_and_found_by_its_alias(
    store: Store, record: RunRecord
) -> None:
    run_id = store.ship(record)
    for _ in range(2):
        assert register_version(store, "mine", run_id, alias="champion", tags={"a": "b"}) == "1"
    found = store.client.get_model_version_by_alias("mine", "champion")
    assert (found.version, found.run_id, found.tags) == (1, run_id, {"a": "b"})


def test_models_are_dropped_page_by_page(store: Store) -> None:
    for _ in range(101):  # a page has 100
        store.client.create_logged_model(store.experiment_id, tags=IDENTITY)
    store.models.drop(IDENTITY, keep=set(), why="dropped")
    assert list(store.models.having(IDENTITY)) == []


def test_a_run_cannot_be_ended_and_running() -> None:
    with pytest.raises(ValueError, match="is FINISHED and ended at None"):
        RunRecord(name="s", identity={}, status=Status.FINISHED, started_at=1)


def test_the_best_parameters_of_a_grid_are_params_once_no_point_is_left() -> None:
    space = load_space("mlp_grid")
    study = StudyConfig(
        name="s", space=space, data="data", data_sha256="sha256", seed=0, train_images=None, id="id"
    )
    best = Trial(0, {"epochs": 3}, State.COMPLETE, score=0.5)
    left = study_outcome(study, [best, Trial(1, {"epochs": 4}, State.WAITING)])
    assert (left.params, left.metrics) == ({"seed": "0"}, {"score": 0.5, "best_trial": 0.0})
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
    assert store.client.get_run(run_id).data.metrics == {"score": 0.6, "best_trial": 1.0}


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
    trial = Trial(3, {"epochs": 3}, State.FAILED, reason="the loss is nan")
    run_id = store.ship(RunRecords(study, data, split).trial(trial, entry))
    run = store.client.get_run(run_id)
    assert (run.info.status, run.info.end_time) == ("FAILED", 9_000)
    assert run.data.tags["fmsearch.state"] == "failed"
    assert run.data.tags["fmsearch.error"] == "the loss is nan"
    assert run.data.params == {"epochs": "3", "seed": "7"}


def test_parcels_are_delivered_in_order_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fmsearch.tracking.shipper.FIRST_PAUSE", 0.01)
    delivered: list[int] = []
    all_delivered = threading.Event()
    failures = iter([TrackingError("away"), TrackingError("away")])

    def parcel(number: int) -> None:
        error = next(failures, None)
        if error is not None:
            raise error
        delivered.append(number)
        if number == 2:
            all_delivered.set()

    shipper = Shipper()
    for number in range(3):
        shipper.give(lambda number=number: parcel(number))
    assert all_delivered.wait(10)
    shipper.close()
    assert delivered == [0, 1, 2]
    assert shipper.unshipped == []


def test_closing_tries_for_some_seconds_and_then_leaves_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fmsearch.tracking.shipper.LAST_TRIES_SECONDS", 1.5)
    calls: list[int] = []
    began = threading.Event()

    def away(number: int) -> None:
        calls.append(number)
        began.set()
        raise TrackingError("away")

    shipper = Shipper()
    for number in range(100):
        shipper.give(lambda number=number: away(number))
    assert began.wait(10)
    shipper.close()
    assert len(shipper.unshipped) == 100
    assert len(calls) > 2
    assert set(calls) == {0}  # the others wait on disk: one has found out that the server is away


def test_a_bug_in_a_parcel_surfaces() -> None:
    shipper = Shipper()
    shipper.give(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        shipper.close()


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("postgresql://me:secret@h/d", "postgresql://me:***@h/d"),
        ("postgresql://me:se@cret@h/d", "postgresql://me:***@h/d"),
        (
            "postgresql://h/d?user=me&password=secret&x=1",
            "postgresql://h/d?user=me&password=***&x=1",
        ),
        ("https://secret@h/path", "https://***@h/path"),
        ("https://me:secret@h:5000/path", "https://me:***@h:5000/path"),
        ("sqlite:////srv/a@b/studies.db", "sqlite:////srv/a@b/studies.db"),
    ],
)
def test_an_address_is_shown_without_its_secrets(address: str, expected: str) -> None:
    assert shown(address) == expected


def test_the_narrowest_of_the_tags_that_name_a_run_is_looked_for_first() -> None:
    assert tagged({"study": "grid", "trial": "7"}) == "tags.`trial` = '7' and tags.`study` = 'grid'"
