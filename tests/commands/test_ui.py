"""`fmsearch ui`: input that is refused."""

from __future__ import annotations

import socket
from pathlib import Path

from fmsearch.places import Places
from fmsearch.tracking.store import Store

from ..conftest import Run
from .refusal import assert_refused


def test_the_ui_without_a_store_is_one_line(fmsearch: Run, tmp_path: Path) -> None:
    assert_refused(fmsearch("ui"), "run `fmsearch study` first", tmp_path)


def test_a_taken_port_is_one_line(fmsearch: Run, tmp_path: Path) -> None:
    Store(Places.of(tmp_path / "mlruns"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = fmsearch("ui", "--port", port)
    assert done.returncode == 1
    expected = f"fmsearch: port {port} is taken (Address already in use); choose another one"
    assert done.stderr.startswith(expected)
