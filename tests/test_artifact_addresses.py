"""Artifacts' addresses in MLflow's database: which name a former home, and what becomes of them."""

from __future__ import annotations

import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from fmsearch.artifact_addresses import EXPERIMENT_TAG, former_homes, rewrite
from fmsearch.places import Places
from fmsearch.sqlite import copy_to
from fmsearch.tracking.store import Store

from .test_addresses import NAMES

EARLIER = Path(__file__).parent / "data" / "store-0.1.0.tar.xz"
COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
    ("trace_tags", "value"),
)


def addresses(home: Path) -> list[str]:
    with closing(sqlite3.connect(home / "mlflow.db")) as database:
        rows = [
            row
            for table, column in COLUMNS
            for row in database.execute(f"SELECT {column} FROM {table} ORDER BY rowid")
        ]
    return [address for (address,) in rows]


def execute(home: Path, statement: str, *values: str) -> None:
    with closing(sqlite3.connect(home / "mlflow.db")) as database, database:
        database.execute(statement, values)


def fill(home: Path) -> None:
    """A store with a run, a model and two versions of it."""
    client = (store := Store(Places.of(home))).client
    run = client.create_run(store.experiment_id)
    client.log_text(run.info.run_id, "text", "a.txt")
    model = client.create_logged_model(store.experiment_id, source_run_id=run.info.run_id)
    client.finalize_logged_model(model.model_id, "READY")
    client.create_registered_model("name")
    client.create_model_version("name", f"models:/{model.model_id}", model_id=model.model_id)
    client.create_model_version("name", f"{run.info.artifact_uri}/a", run.info.run_id)


@pytest.mark.parametrize("name", NAMES)
def test_every_address_follows_a_home_of_any_name(tmp_path: Path, name: str) -> None:
    before = tmp_path / f"{name} before" / name
    fill(before)
    now = tmp_path / name
    was = [one.replace(before.as_uri(), now.as_uri()) for one in addresses(before)]
    before.rename(now)
    store = Store(Places.of(now))
    assert addresses(now) == was
    assert sum(one.startswith(now.as_uri()) for one in was) == 7
    (run,) = store.client.search_runs([store.experiment_id])
    assert [one.path for one in store.client.list_artifacts(run.info.run_id)] == ["a.txt"]
    assert former_homes(now / "mlflow.db", now) == []


def test_what_was_put_elsewhere_stays(tmp_path: Path) -> None:
    fill(tmp_path / "home")
    (tmp_path / "disk" / "artifacts").mkdir(parents=True)
    client = Store(Places.of(tmp_path / "home")).client
    elsewhere = [
        (tmp_path / "disk" / "artifacts").as_uri(),
        (tmp_path / "home" / "artifacts2").as_uri(),
        (tmp_path / "gone" / "artifacts").as_uri(),  # on a disk that is not mounted now
        "s3://bucket/artifacts",
    ]
    for number, address in enumerate(elsewhere):
        tags = dict([EXPERIMENT_TAG] if number == 0 else [])  # as one that this program made
        client.create_experiment(f"other {number}", address, tags)
    (tmp_path / "home").rename(tmp_path / "now")
    Store(Places.of(tmp_path / "now"))
    assert set(elsewhere) < set(addresses(tmp_path / "now"))


def test_a_home_that_was_named_by_a_link_moves_whole(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("home")
    fill(tmp_path / "home")
    by_link = (tmp_path / "link" / "artifacts").as_uri()  # as earlier versions wrote it
    execute(
        tmp_path / "home",
        "UPDATE experiments SET artifact_location = ? WHERE experiment_id = 1",
        by_link,
    )
    (tmp_path / "home").rename(tmp_path / "now")
    (tmp_path / "link").unlink()
    now = tmp_path / "now"
    former = former_homes(now / "mlflow.db", now)
    assert former == [tmp_path / "home", tmp_path / "link"]
    rewrite(now / "mlflow.db", former, now)
    assert all(str(tmp_path / "now") in one for one in addresses(now) if one.startswith("file:"))


def test_a_link_to_a_home_is_the_home_itself(tmp_path: Path) -> None:
    fill(tmp_path / "home")
    (tmp_path / "link").symlink_to("home")
    store = Store(Places.of(tmp_path / "link", experiment="another"))
    location = store.client.get_experiment(store.experiment_id).artifact_location
    assert location == (tmp_path / "home" / "artifacts").as_uri()
    assert former_homes(tmp_path / "home" / "mlflow.db", tmp_path / "home") == []


def test_a_path_that_is_no_url_and_a_traces_address_follow(tmp_path: Path) -> None:
    fill(tmp_path / "home")
    old, now = tmp_path / "home", tmp_path / "now"
    execute(old, "UPDATE model_versions SET source = ?", f"{old}/artifacts/a b?c%20")
    tag = "INSERT INTO trace_tags (key, value, request_id) VALUES ('mlflow.artifactLocation', ?, 1)"
    execute(old, tag, f"{old.as_uri()}/artifacts/traces/1")
    old.rename(now)
    rewrite(now / "mlflow.db", [old], now)
    assert addresses(now).count(f"{now}/artifacts/a b?c%20") == 2
    assert addresses(now)[-1] == f"{now.as_uri()}/artifacts/traces/1"


def test_a_store_of_0_1_0_follows(tmp_path: Path) -> None:
    with tarfile.open(EARLIER) as packed:
        packed.extractall(tmp_path, filter="data")
    home = tmp_path / "mlruns"
    assert former_homes(home / "mlflow.db", home) == [Path("/srv/fmsearch/mlruns")]
    was = [one for one in addresses(home) if one.startswith("file:")]
    Store(Places.of(home))
    now = [one for one in addresses(home) if one.startswith("file:")]
    assert now == [one.replace("/srv/fmsearch", str(tmp_path)) for one in was]


def test_a_database_that_left_its_artifacts_names_them_as_before(tmp_path: Path) -> None:
    fill(tmp_path / "home")
    copy_to(tmp_path / "home" / "mlflow.db", tmp_path / "databases" / "mlflow.db")
    before = addresses(tmp_path / "databases")
    uri = f"sqlite:///{tmp_path / 'databases' / 'mlflow.db'}"
    Store(Places.of(tmp_path / "home", tracking_uri=uri))
    assert addresses(tmp_path / "databases") == before


def test_a_home_follows_also_where_another_one_uses_its_runs(tmp_path: Path) -> None:
    fill(tmp_path / "home")
    (tmp_path / "home").rename(tmp_path / "now")
    uri = f"sqlite:///{tmp_path / 'now' / 'mlflow.db'}"
    Store(Places.of(tmp_path / "other", tracking_uri=uri))
    found = [one for one in addresses(tmp_path / "now") if one.startswith("file:")]
    assert all(one.startswith((tmp_path / "now").as_uri()) for one in found)


def test_an_address_that_cannot_be_written_leaves_all_as_they_were(tmp_path: Path) -> None:
    fill(tmp_path / "home")
    before = addresses(tmp_path / "home")
    execute(
        tmp_path / "home",
        "CREATE TRIGGER refused BEFORE UPDATE ON model_versions "
        "BEGIN SELECT RAISE(ABORT, 'refused'); END",
    )
    with pytest.raises(sqlite3.Error, match="refused"):
        rewrite(tmp_path / "home" / "mlflow.db", [tmp_path / "home"], tmp_path / "now")
    assert addresses(tmp_path / "home") == before
