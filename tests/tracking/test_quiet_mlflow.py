"""MLflow's variables: those that say how a store is reached hold, others do not reach the runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mlflow import MlflowClient, environment_variables

from fmsearch.addresses import sqlite_address
from fmsearch.tracking.quiet_mlflow import SET_ASIDE, SETTINGS

from ..commands.refusal import assert_refused
from ..conftest import Run

REACH = re.compile(
    r"""
    MLFLOW_TRACKING_(URI|USERNAME|PASSWORD|TOKEN|AUTH|AWS_SIGV4|INSECURE_TLS|.*_CERT_PATH)
    | MLFLOW_WORKSPACE | MLFLOW_EXPERIMENT_NAME | _?MLFLOW_HTTP_.*
    | MLFLOW_ALLOW_HTTP_REDIRECTS | _?MLFLOW_DATABRICKS_.* | MLFLOW_ENABLE_DB_SDK
    | MLFLOW_.*_DATABRICKS_SDK_.* | MLFLOW_UC_OSS_TOKEN | MLFLOW_ENABLE_(DBFS|UC)_.*
    | _?DISABLE_MLFLOWDBFS | MLFLOW_SQLALCHEMYSTORE_(POOL.*|MAX_OVERFLOW) | MLFLOW_MYSQL_.*
    | MLFLOW_(S3|GCS|KERBEROS|BOTO|PYARROW)_.* | MLFLOW_ARTIFACT_UPLOAD_DOWNLOAD_TIMEOUT
    | MLFLOW_(ENABLE_)?(PROXY_)?MULTIPART_.* | MLFLOW_PRESIGNED_.*
    | MLFLOW_DOWNLOAD_CHUNK_TIMEOUT | _MLFLOW_MPD_.* | _MLFLOW_.*_BATCH_SIZE
    | MLFLOW_ALLOWED_HOST_ADDRESSED_.*
    """,
    re.VERBOSE,
)
"""How a server, a database or an artifact store is reached: the user's affair."""
ELSEWHERE = re.compile(
    r"""
    MLFLOW_.*TRAC(E|ES|ING)(_.*)? | MLFLOW_.*OT(EL|LP)_.*
    | MLFLOW_(GENAI|JUDGE|ONLINE_SCORING)_.* | MLFLOW_USE_(DEFAULT_TRACER|BATCH_SPAN)_.*
    | MLFLOW_.*PROMPT_CACHE.* | MLFLOW_SQL_WAREHOUSE_.*
    | _?MLFLOW_(GATEWAY|DEPLOYMENTS?|SCORING|AUTH|BASIC_AUTH|RBAC|WEBHOOK|JOB|ICON_URL|SANDBOX)_.*
    | _?MLFLOW_(SERVER|ASSISTANT|MODEL_CATALOG|WORKSPACE_ARTIFACT|FLASK_SERVER|INTERNAL)_.*
    | MLFLOW_ENABLE_(AI_GATEWAY|REMOTE_ASSISTANT|ASSISTANT_SANDBOX|MCP_TOOL_DISCOVERY)
    | MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX | MLFLOW_DISABLE_AGENT_HINT
    | MLFLOW_(OPENAI|HUGGINGFACE|SAGEMAKER|DOCKER|CONDA|ENV)_.*
    | MLFLOW_DISABLE_(ENV|SCHEMA)_.*
    | MLFLOW_(WHEELED_MODEL|MODEL_ENV|CONVERT_MESSAGES|PRINT_MODEL|SKIP_SIGNATURE)_.*
    | MLFLOW_(DFS_TMP|DEFAULT_PREDICTION_DEVICE|ENFORCE_STDIN.*|ALLOW_PICKLE_DESERIALIZATION)
    | MLFLOW_(TRACKING|REGISTRY)_DIR | MLFLOW_ALLOW_FILE_STORE
    | _?MLFLOW_(TESTING.*|.*_TESTING|RUN_SLOW_TESTS|TELEMETRY_.*|SGI_NAME|SPARK_.*|IN_.*|IS_IN_.*)
    | _?MLFLOW_(EVALUATE|ENABLE_SGC|ENABLE_UC_TRACE)_.* | _?SERVERLESS_GPU_.*
    | MLFLOW_DISABLE_HUGGINGFACE_.*
    """,
    re.VERBOSE,
)
"""Traces, servers, serving, other flavors than Keras: nothing that this program does."""

ASIDE = {
    **dict.fromkeys(SET_ASIDE, "true"),
    "MLFLOW_ACTIVE_MODEL_ID": "m-0123456789abcdef",
    "_MLFLOW_ACTIVE_MODEL_ID": "m-0123456789abcdef",
    "MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH": "5",
    "MLFLOW_EXPERIMENT_ID": "4711",
    "MLFLOW_LOGGING_LEVEL": "LOUD",
    "MLFLOW_REGISTRY_URI": "sqlite:////nowhere/registry.db",
    "MLFLOW_RUN_CONTEXT": '{"mlflow.parentRunId": "strange", "strange": "tag"}',
    "MLFLOW_RUN_ID": "0123456789abcdef",
    "MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL": "none",
    "MLFLOW_TRUNCATE_LONG_VALUES": "false",
    "MLFLOW_WORKSPACE_STORE_URI": "sqlite:////nowhere/workspaces.db",
    "_MLFLOW_SERVER_ARTIFACT_ROOT": "/nowhere/artifacts",
}


def test_each_variable_of_mlflows_is_either_kept_or_set_aside() -> None:
    declared = {
        one.name
        for one in vars(environment_variables).values()
        if isinstance(one, environment_variables._EnvironmentVariable)
    }
    kept = {name for name in declared if REACH.fullmatch(name) or ELSEWHERE.fullmatch(name)}
    assert declared - kept - SET_ASIDE - set(SETTINGS) == set()
    assert [name for name in SET_ASIDE if REACH.fullmatch(name)] == []


def test_what_else_the_environment_tells_mlflow_does_not_reach_the_runs(
    installed: Run, tmp_path: Path, small_grid: Path, images: Path
) -> None:
    study = installed("-v", "study", "--space", small_grid, "--data", images, **ASIDE)
    assert study.returncode == 0, study.stderr
    told = f"set aside, as they change what MLflow stores: {', '.join(sorted(SET_ASIDE))}\n"
    assert told in study.stderr
    registered = installed("register", "--study", "small", **ASIDE)
    assert (registered.returncode, registered.stderr) == (0, "")
    doctor = installed("doctor", **ASIDE)
    assert doctor.stdout.splitlines()[-1] == "no differences", doctor.stdout
    client = MlflowClient(sqlite_address(tmp_path / "mlruns" / "mlflow.db"))
    (experiment,) = client.search_experiments(filter_string="name = 'fmsearch'")
    runs = client.search_runs([experiment.experiment_id])
    assert len(runs) == 10  # eight points, the study and the final model
    assert not any("strange" in run.data.tags for run in runs)
    assert "strange" not in [run.data.tags.get("mlflow.parentRunId") for run in runs]
    assert len(client.search_model_versions()) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("MLFLOW_HTTP_REQUEST_TIMEOUT", "soon"), ("MLFLOW_TRACKING_INSECURE_TLS", "perhaps")],
)
def test_a_setting_that_mlflow_cannot_read_is_one_line(
    fmsearch: Run, tmp_path: Path, small_grid: Path, images: Path, name: str, value: str
) -> None:
    settings = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9", name: value}
    done = fmsearch("study", "--space", small_grid, "--data", images, **settings)
    assert_refused(done, name, tmp_path)
    assert value in done.stderr
