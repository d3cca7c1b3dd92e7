"""One coordinator of a study on SQLite: its lock is the file's, whatever name that goes by."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fmsearch.errors import FmsearchError
from fmsearch.locks import HeldError, hold
from fmsearch.places import Places
from fmsearch.search.storage.storage import open_storage
from fmsearch.tracking.store import Store


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A store with a storage in it."""
    places = Places.of(tmp_path / "home")
    places.prepare()
    open_storage(places.storage)
    return places


def spelled(places: Places, tmp_path: Path, how: str) -> str:
    file = places.home / "studies.db"
    if how == "a symbolic link":
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere" / "link.db").symlink_to(file)
        return f"sqlite:///{tmp_path}/elsewhere/link.db"
    if how == "a link to its folder":
        (tmp_path / "elsewhere").symlink_to(places.home)
        return f"sqlite:///{tmp_path}/elsewhere/studies.db"
    return f"sqlite:///{os.path.relpath(file)}"


@pytest.mark.parametrize("how", ["a symbolic link", "a link to its folder", "a relative path"])
def test_another_name_of_the_database_lets_no_second_one_in(
    places: Places, tmp_path: Path, how: str
) -> None:
    other = Places.of(tmp_path / "other", storage=spelled(places, tmp_path, how))
    with hold(places.lock("a"), "it"), pytest.raises(HeldError), hold(other.lock("a"), "it"):
        pass


def test_a_second_hard_link_to_a_database_is_refused(places: Places, tmp_path: Path) -> None:
    Store(places)
    for file in ("studies.db", "mlflow.db"):
        os.link(places.home / file, tmp_path / file)
    other = Places.of(tmp_path)
    with pytest.raises(FmsearchError, match=r"studies\.db: it has 2 names \(hard links\): remove"):
        open_storage(other.storage)
    with pytest.raises(FmsearchError, match=r"mlflow\.db: it has 2 names"):
        Store(other)


def test_a_database_that_is_a_link_to_nothing_yet_is_made_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "mlflow.db").symlink_to(tmp_path / "disk.db")
    Store(Places.of(tmp_path / "home"))
    assert (tmp_path / "home" / "mlflow.db").is_symlink()
    assert (tmp_path / "disk.db").stat().st_size > 0
