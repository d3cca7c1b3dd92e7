"""Tracking servers that refuse, or are not there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from ..conftest import Run
from .refusal import assert_refused


@pytest.fixture(scope="module")
def answering() -> Iterator[Callable[[int], str]]:
    """Starts servers that answer everything with one status code; gives their addresses."""
    servers = []

    def start(code: int) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(code)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("code", [401, 403, 404, 500])
def test_a_server_that_refuses_is_one_line_that_names_offline(
    fmsearch: Run,
    tmp_path: Path,
    small_grid: Path,
    images: Path,
    answering: Callable[[int], str],
    code: int,
) -> None:
    uri = answering(code)
    done = fmsearch("study", "--space", small_grid, "--data", images, MLFLOW_TRACKING_URI=uri)
    assert_refused(done, f"(HTTP {code})", tmp_path)
    assert "--offline" in done.stderr
    assert ("refuses the credentials" in done.stderr) == (code in (401, 403))


def test_a_server_that_is_not_there_is_one_line_that_names_offline(
    fmsearch: Run, tmp_path: Path, small_grid: Path, images: Path
) -> None:
    uri = "http://me:secret@127.0.0.1:9"  # the discard port, where nothing listens
    done = fmsearch("study", "--space", small_grid, "--data", images, MLFLOW_TRACKING_URI=uri)
    assert_refused(done, "cannot be reached", tmp_path)
    assert "--offline" in done.stderr
    assert "secret" not in done.stderr
