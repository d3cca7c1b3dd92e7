"""The store: runs, models and versions are whole, and there once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmsearch.models.families import FAMILIES
from fmsearch.places import Places
from fmsearch.tracking.reachability import TrackingError
from fmsearch.tracking.registry import holder_of, register_version, set_alias
from fmsearch.tracking.run_record import LoggedModel, Metric, RunRecord, Status
from fmsearch.tracking.store import Store
from fmsearch.tracking.stored_runs import find_named, read_text

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
        model=LoggedModel(keras_file, tuple("abcdefghij"), 2, np.zeros((1, 28, 28), np.uint8)),
    )


def test_a_run_is_shipped_whole(store: Store, record: RunRecord) -> None:
    run_id = store.ship(record)
    run = store.client.get_run(run_id)
    assert (run.info.run_name, run.info.status) == ("s-0003", "FINISHED")
    assert (run.info.start_time, run.info.end_time) == (1_000, 5_000)
    assert len(store.client.get_metric_history(run_id, "loss")) == 1_500
    assert [file.path for file in store.client.list_artifacts(run_id)] == ["SHA256SUMS", "note.txt"]
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


def test_an_empty_file_in_the_place_of_the_database_is_filled(tmp_path: Path) -> None:
    places = Places.of(tmp_path / "store")
    places.home.mkdir()
    (places.home / "mlflow.db").touch()  # as SQLite does for whoever looks
    assert Store(places).find(IDENTITY) is None


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
        assert register_version(store, "mine", run_id, tags={"a": "b"}) == "1"
    assert holder_of(store, "mine", "champion") is None
    assert holder_of(store, "another", "champion") is None
    set_alias(store, "mine", "1", "champion", {"c": "d"})
    found = holder_of(store, "mine", "champion")
    assert (found.version, found.run_id, found.tags) == (1, run_id, {"a": "b", "c": "d"})


@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        ("registered-models/create", "lost answer"),
        ("model-versions/create", "lost answer"),
        ("model-versions/search", "login page"),
        ("registered-models/alias", "busy"),
    ],
)
def test_a_version_is_registered_once_by_a_server_that_fails_now_and_then(
    asked: str, fault: str, proxy: Any, record: RunRecord, tmp_path: Path
) -> None:
    name = f"{asked}-{fault}".replace("/", "-").replace(" ", "-")
    store = Store(Places.of(tmp_path, proxy.url, experiment=name))
    run_id = store.ship(record)
    fail_once(proxy, asked, fault)
    assert register_version(store, name, run_id, tags={}) == "1"
    set_alias(store, name, "1", "champion", {"won": "yes"})
    assert proxy.faults == {fault: 1}
    (version,) = store.client.search_model_versions(f"name = '{name}'")
    assert version.run_id == run_id
    found = holder_of(store, name, "champion")
    assert (found.run_id, found.tags) == (run_id, {"won": "yes"})


def test_what_a_server_fails_to_send_is_asked_for_again(
    proxy: Any, record: RunRecord, tmp_path: Path
) -> None:
    places = Places.of(tmp_path, proxy.url, experiment="read")
    Store(places).ship(record)
    fail_once(proxy, "experiments/get-by-name", "error")
    store = Store(places)
    fail_once(proxy, "runs/search", "cut answer")
    run = find_named(store, "s-0003")
    fail_once(proxy, "note.txt", "cut answer")
    assert read_text(store, run, "note.txt") == "text"
    assert proxy.faults == {"error": 1, "cut answer": 2}


def fail_once(proxy: Any, asked: str, fault: str) -> None:
    """Let the next request for a path that has `asked` in it meet the fault."""
    left = [fault]
    proxy.choose = lambda method, path: left.pop() if left and asked in path else ""


def test_models_are_dropped_page_by_page(store: Store) -> None:
    for _ in range(101):  # a page has 100
        store.client.create_logged_model(store.experiment_id, tags=IDENTITY)
    store.models.drop(IDENTITY, keep=set(), why="dropped")
    assert list(store.models.having(IDENTITY)) == []
