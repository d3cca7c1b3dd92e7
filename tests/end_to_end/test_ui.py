"""`fmsearch ui`: MLflow's own pages on the store in use."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from fmsearch.places import Places
from fmsearch.tracking.store import Store


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def started(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`fmsearch ui` that answers, and its port."""
    Store(Places.of(tmp_path / "mlruns"))
    port = free_port()
    ui = subprocess.Popen(
        [Path(sys.executable).with_name("fmsearch"), "ui", "--port", str(port)],
        cwd=tmp_path,
        env={**os.environ, "MLFLOW_ARTIFACTS_ONLY": "true", "MLFLOW_STATIC_PREFIX": "/elsewhere"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert ui.stdout is not None
    assert ui.stdout.readline() == f"MLflow's UI: http://127.0.0.1:{port}  (Ctrl-C ends it)\n"
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                assert b"MLflow" in answer.read()
            break
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.2)
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
    assert len(children) >= 2  # MLflow's command and its server
    os.killpg(ui.pid, number)
    code = ui.wait(30)
    assert code == (-signal.SIGKILL if number == signal.SIGKILL else 0)
    assert psutil.wait_procs(children, timeout=30)[1] == []
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        again.bind(("127.0.0.1", port))


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
