"""`fmsearch ui`: MLflow's own pages on the store in use."""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

from fmsearch.places import Places
from fmsearch.tracking.run_record import TAG_ID, TAG_ROLE, TAG_STUDY, RunRecord, Status
from fmsearch.tracking.saved_views import save_view
from fmsearch.tracking.store import Store

from ..tracking.test_saved_views import VIEW


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def started(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`fmsearch ui` that answers, and its port. The store has two studies; one has a view."""
    store = Store(Places.of(tmp_path / "mlruns"))
    for place, name in enumerate(("first", "second")):
        identity = {TAG_STUDY: name, TAG_ID: f"id{place}", TAG_ROLE: "study"}
        run = RunRecord(name=name, identity=identity, status=Status.RUNNING, started_at=1 + place)
        store.ship(run)
    save_view(store, dataclasses.replace(VIEW, key="id1"))
    port = free_port()
    ui = subprocess.Popen(
        [Path(sys.executable).with_name("fmsearch"), "ui", "--port", str(port)],
        cwd=tmp_path,
        env={**os.environ, "MLFLOW_ARTIFACTS_ONLY": "true", "MLFLOW_STATIC_PREFIX": "/elsewhere"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert ui.stdout is not None
    assert ui.stdout.readline() == "MLflow's UI is starting\n"
    assert ui.stdout.readline() == f"open http://127.0.0.1:{port}/study/  (Ctrl-C ends it)\n"
    yield ui, port
    ui.kill()
    ui.wait()
    ui.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_ui_answers_on_loopback_and_leaves_nothing_however_it_ends(
    started: tuple[subprocess.Popen[str], int], number: signal.Signals
) -> None:
    ui, port = started
    children = psutil.Process(ui.pid).children(recursive=True)
    assert len(children) == 1
    assert requests.get(f"http://127.0.0.1:{port}/", timeout=30).text.count("MLflow")
    os.killpg(ui.pid, number)
    code = ui.wait(30)
    assert code == (-signal.SIGKILL if number == signal.SIGKILL else 0)
    assert psutil.wait_procs(children, timeout=30)[1] == []
    assert ui.stdout is not None
    assert ui.stdout.read() == ""  # no access log, no warnings
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        again.bind(("127.0.0.1", port))


def test_its_first_page_leads_to_the_trials_of_a_study(
    started: tuple[subprocess.Popen[str], int],
) -> None:
    _, port = started

    def page(path: str, **headers: str) -> requests.Response:
        return requests.get(f"http://127.0.0.1:{port}/study/{path}", headers=headers, timeout=30)

    view = "../#/experiments/1/runs?viewStateShareKey=id1&workflowType=machine_learning"
    assert f'location.replace("{view}")' in page("").text  # of the study that was begun last
    assert f'location.replace("{view}")' in page("second").text
    assert '"mlflow.assistant.panelOpen_v1": false' in page("").text
    former = page("first").text  # of a version that made no views
    assert "orderByKey=metrics.%60score%60&orderByAsc=false" in former
    assert "tags.%60fmsearch.study%60+%3D+%27first%27" in former
    missing = page("<b>'")
    assert (missing.status_code, missing.headers["content-type"]) == (
        404,
        "text/plain; charset=utf-8",
    )
    assert page("second", Host="elsewhere.org").status_code == 403


def test_a_study_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    Store(Places.of(tmp_path / "mlruns"))
    command = [Path(sys.executable).with_name("fmsearch"), "ui", "nix", "--port", str(free_port())]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == (
        "fmsearch: no study 'nix' in MLflow's experiment 'fmsearch'; "
        "`fmsearch status` lists the studies\n"
    )


def test_the_server_of_a_ui_that_is_killed_at_once_does_not_come_up(tmp_path: Path) -> None:
    Store(Places.of(tmp_path / "mlruns"))
    program = Path(sys.executable).with_name("fmsearch")
    command = [program, "ui", "--port", str(free_port())]
    ui = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert ui.stdout is not None
    ui.stdout.readline()
    children = psutil.Process(ui.pid).children(recursive=True)
    ui.kill()
    ui.wait()
    ui.stdout.close()
    assert len(children) == 1
    assert psutil.wait_procs(children, timeout=30)[1] == []
