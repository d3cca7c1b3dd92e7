"""Optuna's dashboard, which answers by its own names alone.

A web page elsewhere can let its name lead to this machine and read what is answered here; its name
then stands in the request. MLflow's server looks at that, the dashboard does not.
"""

import os
from collections.abc import Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIServer, make_server

from optuna_dashboard import wsgi
from werkzeug.sansio.utils import host_is_trusted

NAMES = os.environ["DASHBOARD_ALLOWED_HOSTS"].split(",")
dashboard = wsgi(os.environ["DASHBOARD_STORAGE"])


class Server(ThreadingMixIn, WSGIServer):
    """Answers requests side by side."""

    daemon_threads = True


def checked(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """The dashboard's answer, or a refusal."""
    if host_is_trusted(environ.get("HTTP_HOST"), NAMES):
        return dashboard(environ, start_response)
    start_response("403 Forbidden", [("Content-Type", "text/plain")])
    return [b"this name is not in DASHBOARD_ALLOWED_HOSTS\n"]


host, port = os.environ["DASHBOARD_HOST"], int(os.environ["DASHBOARD_PORT"])
make_server(host, port, checked, server_class=Server).serve_forever()
