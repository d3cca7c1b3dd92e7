"""Addresses: made of any path and read again, resolved to one file, or refused."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, make_url, text

from fmsearch.addresses import check_tracking_uri, resolved, sqlite_address, sqlite_file
from fmsearch.errors import FmsearchError
from fmsearch.places import Places

NAMES = (
    "a?b",
    "p%2Fq",
    "100%",
    "two words",
    "x#y",
    "für",
    "{x}",
    "a&b=c",
    "a:b@c",
    "file:a",
    "日本",
)
PARTS = st.text(st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1)
PATHS = st.lists(PARTS, min_size=1, max_size=3).map(lambda parts: Path("/", *parts))


@given(PATHS)
def test_any_path_is_read_again_from_its_address(path: Path) -> None:
    assert sqlite_file(sqlite_address(path)) == path
    assert make_url(sqlite_address(path)).database == str(path)


@pytest.mark.parametrize("name", NAMES)
def test_both_databases_stand_in_a_home_of_any_name(tmp_path: Path, name: str) -> None:
    places = Places.of(tmp_path / name)
    places.prepare()
    for address in (places.storage, places.tracking_uri):
        with closing(create_engine(address).connect()) as connection:
            connection.execute(text("CREATE TABLE a (b)"))
    found = {path.name for path in (tmp_path / name).iterdir()}
    assert found == {"mlflow.db", "outbox", "studies.db"}
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["a?b", "p%2Fq", "für"])
def test_mlflow_makes_no_folder_of_a_quoted_name(tmp_path: Path, name: str) -> None:
    from fmsearch.tracking.store import Store

    store = Store(Places.of(tmp_path / name))
    run = store.client.create_run(store.experiment_id)
    store.client.log_text(run.info.run_id, "text", "a.txt")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert [path.name for path in (tmp_path / name).rglob("a.txt")] == ["a.txt"]


def test_a_plain_path_has_a_plain_address() -> None:
    assert sqlite_address(Path("/srv/my runs/mlflow.db")) == "sqlite:////srv/my runs/mlflow.db"


def test_all_spellings_of_a_file_are_one_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    (tmp_path / "studies.db").symlink_to(tmp_path / "there" / "studies.db")  # not there yet
    monkeypatch.chdir(tmp_path)
    spellings = (
        "sqlite:///there/studies.db",
        "sqlite:///there/../there/./studies.db",
        "sqlite:///link/studies.db",
        "sqlite:///studies.db",
        f"sqlite:///{tmp_path}/there/studies.db",
        f"sqlite:///{tmp_path}//link/%73tudies.db",
    )
    places = [Places.of(tmp_path, storage=one) for one in spellings]
    assert {one.storage for one in places} == {f"sqlite:///{tmp_path}/there/studies.db"}
    assert {one.lock("a") for one in places} == {tmp_path / "there" / "locks" / "a.lock"}


def test_options_and_a_driver_stay() -> None:
    address = "sqlite+pysqlite:////srv/a.db?timeout=3"
    assert resolved(address) == address
    assert resolved("postgresql://me:secret@h/d?sslmode=require").endswith("@h/d?sslmode=require")


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        ("sqlite://", "keeps nothing"),
        ("sqlite:///", "keeps nothing"),
        ("sqlite:///:memory:", "keeps nothing"),
        ("sqlite+pysqlite://", "keeps nothing"),
        ("sqlite:///file::memory:?uri=true", "names no file by its path"),
        ("sqlite:///file:a.db?mode=memory&uri=true", "names no file by its path"),
        ("sqlite://mlflow.db", "names no file by its path"),
        ("sqlite:///a%00b", "names no file by its path"),
        ("postgresql://me@h/a b", "has a space; write it as %20"),
    ],
)
def test_an_address_that_keeps_nothing_is_refused(address: str, fault: str) -> None:
    with pytest.raises(FmsearchError, match=fault):
        resolved(address)


@pytest.mark.parametrize("address", ["mlflow.db", "sqlite:", "ftp://a/b", "http://", "http://a:0"])
def test_what_is_no_address_of_mlflows_is_refused(address: str) -> None:
    with pytest.raises(FmsearchError, match="neither an http"):
        check_tracking_uri(address)


def test_a_file_named_like_sqlites_own_uris_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert sqlite_file(resolved("sqlite:///file:a.db")) == tmp_path / "file:a.db"
