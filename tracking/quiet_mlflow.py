"""MLflow, loaded as this program needs it: without messages, and without retries of its own."""

from __future__ import annotations

import logging
import os

SETTINGS = {
    # A request whose answer was lost may have been carried out: what is tried again is a whole
    # step, which looks first what is there.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
"""What the environment says otherwise stays."""


def load_mlflow() -> None:
    """Load MLflow, which takes seconds the first time."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    import mlflow  # noqa: F401

    # MLflow sets its own level when it is loaded; its INFO tells of table creation.
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    logging.getLogger("mlflow.store").setLevel(logging.CRITICAL)  # what it logs, it raises
    logging.getLogger("alembic").setLevel(logging.ERROR)
