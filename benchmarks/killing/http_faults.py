"""A proxy before an HTTP server that lies, cuts, stalls and breaks off, as real ones do."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOGIN_PAGE = b"<!doctype html><title>Please sign in</title>"
SLOW_SECONDS = 1.0
FAULTS = ("login page", "busy", "error", "lost request", "lost answer", "cut answer", "slow")
NOT_FORWARDED = {
    "login page": (200, {"Content-Type": "text/html"}, LOGIN_PAGE),
    "busy": (429, {"Retry-After": "1"}, b""),
    "error": (503, {}, b"no healthy upstream"),
}
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}

Choose = Callable[[str, str], str]
"""The fault for a request, by its method and path; empty for none."""


class FaultyProxy:
    """Forwards requests to a server of this machine, but for those that get a fault.

    Attributes:
        choose: May be changed at any time.
        faults: How many requests got each fault.
    """

    def __init__(self, port: int, choose: Choose = lambda method, path: "") -> None:
        self.choose = choose
        self.faults: Counter[str] = Counter()
        self._server = _Server(("127.0.0.1", 0), _handler(self, port))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> FaultyProxy:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing of a client that is killed."""


def _handler(proxy: FaultyProxy, port: int) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if fault := proxy.choose(self.command, self.path):
                proxy.faults[fault] += 1
            if fault in NOT_FORWARDED:
                self._answer(*NOT_FORWARDED[fault])
                return
            if fault == "lost request":
                self.close_connection = True
                return
            if fault == "slow":
                time.sleep(SLOW_SECONDS)
            status, headers, answer = self._ask(body)
            if fault == "lost answer":
                self.close_connection = True
                return
            self._answer(status, headers, answer, is_cut=fault == "cut answer")

        def _ask(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            headers = {
                name: value
                for name, value in self.headers.items()
                if name.lower() not in HOP_BY_HOP
            }
            try:
                connection.request(self.command, self.path, body, headers)
                answer = connection.getresponse()
                return answer.status, dict(answer.getheaders()), answer.read()
            finally:
                connection.close()

        def _answer(
            self, status: int, headers: dict[str, str], body: bytes, *, is_cut: bool = False
        ) -> None:
            with suppress(ConnectionError):
                self.send_response_only(status)
                for name, value in headers.items():
                    if name.lower() not in HOP_BY_HOP:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body[: len(body) // 2] if is_cut else body)
            if is_cut:
                self.close_connection = True

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _forward  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
