"""A connection that PostgreSQL ends while the storage is opened."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text

from fmsearch.addresses import with_driver
from fmsearch.search.storage import database as module
from fmsearch.search.storage.storage import open_storage


def test_a_storage_whose_connection_is_cut_while_it_is_opened_is_opened_again(
    database: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    opening, times = module._open_backend, []

    def cut_once(url: str) -> object:
        times.append(url)
        if len(times) == 1:
            with create_engine(with_driver(url, "psycopg")).connect() as connection:
                connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return opening(url)

    monkeypatch.setattr(module, "_open_backend", cut_once)
    assert open_storage(database).names() == []
    assert len(times) == 2
    assert caplog.messages == ["the storage does not answer; trying again in 0.2 s"]
