"""MLflow's own UI on the store in use."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import FmsearchError
from ..places import Places
from .embedded import in_use
from .quiet_mlflow import without_set_aside
from .reachability import check_reachable

HOST = "127.0.0.1"


@contextmanager
def running_ui(places: Places, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """MLflow's server on an embedded store, for this machine only.

    It ends with the block, or with this process, however that ends.

    Raises:
        FmsearchError: There is no store yet, it cannot be used, or the port is taken.
    """
    if not places.has_runs:
        raise FmsearchError(
            f"there is no store at {places.runs_file} yet; run `fmsearch study` first"
        )
    check_reachable(places)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise FmsearchError(
                f"port {port} is taken ({error.strerror}); choose another one with --port"
            ) from error
    command = [
        sys.executable, "-m", "fmsearch.tracking.ui_server", "server",
        "--default-artifact-root", places.artifacts.as_uri(),
        "--host", HOST,
        "--port", str(port),
        "--workers", "1",
    ]  # fmt: skip
    # One process is enough for one user; MLflow's job execution would start four more.
    environment = {
        **without_set_aside(os.environ),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_BACKEND_STORE_URI": places.tracking_uri,  # arguments are visible to all users
    }
    with (
        in_use(places),
        subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, start_new_session=True
        ) as server,
    ):
        try:
            yield server
        finally:
            server.communicate()  # closes its standard input, at which it and its children end
