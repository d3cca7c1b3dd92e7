"""`fmsearch ui`: MLflow's own pages on the store in use."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from fmsearch.places import Places
from fmsearch.tracking.store import Store


def test_the_ui_answers_on_loopback_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    Store(Places.of(tmp_path / "mlruns"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = Path(sys.executable).with_name("fmsearch")
    ui = subprocess.Popen(
        [program, "ui", "--port", str(port)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        assert ui.stdout is not None
        expected = f"MLflow's UI: http://127.0.0.1:{port}  (Ctrl-C ends it)\n"
        assert ui.stdout.readline() == expected
        deadline = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                    assert b"MLflow" in answer.read()
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.2)
    finally:
        os.killpg(ui.pid, signal.SIGINT)
        ui.wait(30)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
