"""MLflow's UI as a process that ends with the program that started it, however that ends.

    python -m fmsearch.tracking.ui_server PORT ARTIFACTS EXPERIMENT [STUDY]

`MLFLOW_BACKEND_STORE_URI` names the database, as all users see arguments. Standard input is a pipe
that the other program holds open: its end is the order to end. The operating system closes it, even
where a SIGKILL leaves no time for orders.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import warnings

from ..errors import FmsearchError
from .loopback import END_SECONDS, HOST


def main() -> None:
    """Serve until the order to end; leads a process group of its own."""
    threading.Thread(target=_end_with_the_starter, daemon=True).start()
    port, artifacts, experiment, *study = sys.argv[1:]
    warnings.filterwarnings("ignore", module="mlflow")  # of libraries that it still uses
    import uvicorn  # before MLflow, which guards its pages only where it sees a server

    from .quiet_mlflow import load_mlflow

    load_mlflow()
    import mlflow

    from .ui_app import make_app, study_address

    uri = os.environ["MLFLOW_BACKEND_STORE_URI"]
    app = make_app(uri, artifacts, experiment)
    try:
        if study:
            study_address(mlflow.MlflowClient(uri, uri), experiment, study[0])
    except FmsearchError as error:
        sys.exit(f"fmsearch: {error}")
    uvicorn.run(
        app,
        host=HOST,
        port=int(port),
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=END_SECONDS // 2,  # an open browser holds its connections
    )


def _end_with_the_starter() -> None:
    """Wait for the order, and end the group, to which all that this process starts belongs."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.killpg(0, signal.SIGTERM)
    time.sleep(END_SECONDS)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
