"""MLflow, loaded as this program needs it: quiet, and no setting changes what is logged."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Mapping

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

SET_ASIDE = frozenset({
    # To which model, run, experiment or registry something is logged: this program says which.
    "MLFLOW_ACTIVE_MODEL_ID",
    "_MLFLOW_ACTIVE_MODEL_ID",
    "MLFLOW_EXPERIMENT_ID",
    "MLFLOW_REGISTRY_URI",
    "MLFLOW_RUN_ID",
    # What is added to each run.
    "MLFLOW_RUN_CONTEXT",
    "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING",
    "MLFLOW_SYSTEM_METRICS_NODE_ID",
    "MLFLOW_SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING",
    "MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL",
    # When it is written, and whether. A run is ended when all of it is there.
    "MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH",
    "MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS",
    "MLFLOW_ASYNC_LOGGING_THREADPOOL_SIZE",
    "MLFLOW_ENABLE_ASYNC_LOGGING",
    "MLFLOW_TRUNCATE_LONG_VALUES",
    # What a model's folder holds.
    "MLFLOW_INPUT_EXAMPLE_INFERENCE_TIMEOUT",
    "MLFLOW_LOCK_MODEL_DEPENDENCIES",
    "MLFLOW_LOG_MODEL_COMPRESSION",
    "MLFLOW_LOG_UV_FILES",
    "MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING",
    "MLFLOW_REQUIREMENTS_INFERENCE_RAISE_ERRORS",
    "MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT",
    "MLFLOW_SKIP_PIP_REQUIREMENTS_CHECK",
    "MLFLOW_UV_AUTO_DETECT",
    # Where an embedded store keeps what, and what its UI shows: settings of MLflow's server.
    "_MLFLOW_SERVER_ARTIFACT_ROOT",
    "MLFLOW_ARTIFACTS_ONLY",
    "MLFLOW_ENABLE_WORKSPACES",
    "MLFLOW_READ_REPLICA_BACKEND_STORE_URI",
    "MLFLOW_REGISTRY_STORE_URI",
    "MLFLOW_STATIC_PREFIX",
    "MLFLOW_WORKSPACE_STORE_URI",
    # What MLflow says; `load_mlflow` decides that.
    "MLFLOW_CONFIGURE_LOGGING",
    "MLFLOW_LOGGING_CONFIGURE_LOGGING",
    "MLFLOW_LOGGING_LEVEL",
    "MLFLOW_SQLALCHEMYSTORE_ECHO",
})  # fmt: skip
"""MLflow's variables that are not taken from the environment. All others say how a server, a
database or an artifact store is reached, or are about what this program does not use."""

log = logging.getLogger(__name__)


def without_set_aside(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without MLflow's variables that change what is logged or shown."""
    return {name: value for name, value in environment.items() if name not in SET_ASIDE}


def load_mlflow() -> None:
    """Load MLflow, which takes seconds the first time."""
    if found := sorted(SET_ASIDE & set(os.environ)):
        log.info("set aside, as they change what MLflow stores: %s", ", ".join(found))
        for name in found:
            del os.environ[name]
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    import mlflow  # noqa: F401
    from urllib3.exceptions import InsecureRequestWarning

    # MLFLOW_TRACKING_INSECURE_TLS asks for it; the warning would come with each request.
    warnings.simplefilter("ignore", InsecureRequestWarning)
    # MLflow sets its own level when it is loaded; its INFO tells of table creation.
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    logging.getLogger("mlflow.store").setLevel(logging.CRITICAL)  # what it logs, it raises
    logging.getLogger("alembic").setLevel(logging.ERROR)
