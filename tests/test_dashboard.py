"""Optuna's dashboard on a storage: what it shows, and what it refuses."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from fmsearch.errors import FmsearchError
from fmsearch.places import Places
from fmsearch.search.dashboard import dashboard
from fmsearch.search.storage.storage import open_storage
from fmsearch.tracking.store import Store

from .storage.new_study import make


@pytest.fixture
def places(tmp_path: Path, images: Path) -> Places:
    places = Places.of(tmp_path / "mlruns")
    study = make(places.storage, images)
    study.enqueue([{"dropout_rate": 0.1}], {"dropout_rate": [0.1]})
    Store(places)
    return places


@pytest.fixture
def address(places: Places) -> Iterator[str]:
    with dashboard(places, 0, "http://ui") as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/api/studies/1"
        server.shutdown()


def ask(address: str, method: str = "GET", body: object = None, **headers: str) -> bytes:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **headers}
    with urlopen(Request(address, data, headers, method=method)) as answer:
        return bytes(answer.read())


def test_a_study_has_the_scores_name_and_links_to_mlflow(address: str, places: Places) -> None:
    shown = json.loads(ask(address))
    assert shown["objective_names"] == ["score"]
    key = open_storage(places.storage).study("search").config.id
    assert (
        f"[all trials](http://ui/#/experiments/1/runs?viewStateShareKey={key}&"
        in (shown["note"]["body"])
    )


def test_a_note_can_be_written_and_the_study_goes_on(address: str, places: Places) -> None:
    ask(f"{address}/note", "PUT", {"version": 2, "body": "mine"})
    assert json.loads(ask(address))["note"] == {"version": 2, "body": "mine"}
    study = open_storage(places.storage).study("search")
    assert len(study.trials()) == 1
    assert study.take(0)


@pytest.mark.parametrize(
    ("method", "path", "host"),
    [
        ("DELETE", "", "127.0.0.1"),
        ("POST", "/rename", "localhost"),
        ("GET", "", "elsewhere.example"),
    ],
)
def test_what_would_harm_is_refused(
    address: str, places: Places, method: str, path: str, host: str
) -> None:
    with pytest.raises(HTTPError) as raised:
        ask(
            f"{address}{path}", method, {"study_name": "a"} if method == "POST" else None, Host=host
        )
    assert raised.value.code == 403
    raised.value.close()
    assert open_storage(places.storage).names() == ["search"]


def test_a_taken_port_is_one_line(places: Places) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(FmsearchError, match=f"port {port} is taken"):
            dashboard(places, port, "").__enter__()
