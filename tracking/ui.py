"""MLflow's own UI on the store in use."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.request import urlopen

from ..errors import FmsearchError
from ..places import Places
from .embedded import in_use
from .loopback import HOST, listen
from .quiet_mlflow import without_set_aside
from .reachability import check_reachable


@contextmanager
def running_ui(
    places: Places, port: int, study: str | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """MLflow's server on an embedded store, for this machine only.

    It ends with the block, or with this process, however that ends; at once if there is no such
    study.

    Raises:
        FmsearchError: There is no store yet, it cannot be used, or the port is taken.
    """
    if not places.has_runs:
        raise FmsearchError(
            f"there is no store at {places.runs_file} yet; run `fmsearch study` first"
        )
    check_reachable(places)
    listen(port).close()
    command = [
        sys.executable, "-m", "fmsearch.tracking.ui_server",
        str(port), places.artifacts.as_uri(), places.experiment, *([study] if study else []),
    ]  # fmt: skip
    environment = {
        **without_set_aside(os.environ),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # it would start four more processes
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


def wait_until_up(server: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until the UI answers; false if its process has ended instead, and has said why."""
    while server.poll() is None:
        with suppress(OSError), urlopen(f"http://{HOST}:{port}/health", timeout=5):
            return True
        time.sleep(0.1)
    return False
