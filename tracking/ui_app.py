"""MLflow's server with one page more, which opens its UI on the trials of a study.

    mlflow server --app-name fmsearch           (or fmsearch-auth, which asks for a password)

MLflow finds these two by its entry point `mlflow.app`, which `setup.cfg` declares; `fmsearch ui`
makes its own.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import FmsearchError
from ..locks import turn
from ..places import EXPERIMENT
from .run_record import TAG_ID, TAG_ROLE, TAG_STUDY, tagged
from .saved_views import TAG_VIEW, best_first, view_address

if TYPE_CHECKING:
    from fastapi import FastAPI
    from mlflow import MlflowClient
    from mlflow.entities import Run

PATH = "/study/"
"""Of the page; the name of a study may stand behind it."""
_STORED = {
    "mlflow.workflowType_v1": "machine_learning",
    "mlflow.assistant.panelOpen_v1": False,
    "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": True,
}
"""What the browser keeps for MLflow's UI: pages of model training, no panel for a chat."""
_PAGE = f"""<!doctype html><title>fmsearch</title><script>
for (const [name, value] of Object.entries({json.dumps(_STORED)}))
  localStorage.setItem(name, JSON.stringify(value));
location.replace(ADDRESS);
</script>"""
"""The address has no `<` and no quote in it, as its parts are encoded."""


def create_app() -> FastAPI:
    """What `mlflow server --app-name fmsearch` serves."""
    from mlflow.server.fastapi_app import create_fastapi_app

    _add_page(_client_of_server, os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT)
    app: FastAPI = create_fastapi_app()
    return app


def create_app_with_accounts() -> FastAPI:
    """What `mlflow server --app-name fmsearch-auth` serves: MLflow's `basic-auth`, and the page.

    MLflow makes the tables of accounts before it starts workers, but only for an app of that name.
    Here the first worker makes them, and the others wait.
    """
    from mlflow.server.auth import create_app as create_app_that_asks

    _add_page(_client_of_server, os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT)
    lock = Path(tempfile.gettempdir()) / f"fmsearch-accounts-{os.getuid()}.lock"
    with turn(lock):
        app: FastAPI = create_app_that_asks()
    return app


@cache
def _client_of_server() -> MlflowClient:
    """A client of the database of the server whose process this is."""
    import mlflow
    from mlflow.server.constants import BACKEND_STORE_URI_ENV_VAR

    uri = os.environ[BACKEND_STORE_URI_ENV_VAR]
    return mlflow.MlflowClient(uri, uri)


def make_app(tracking_uri: str, artifacts: str, experiment: str) -> FastAPI:
    """MLflow's server on a database, in this process, with the page for an experiment's studies.

    Args:
        tracking_uri: URL of the database.
        artifacts: Address of the folder of artifacts of new experiments.
        experiment: Its name.
    """
    import mlflow
    from mlflow.server.fastapi_app import create_fastapi_app
    from mlflow.server.handlers import initialize_backend_stores

    initialize_backend_stores(tracking_uri, tracking_uri, artifacts)
    client = mlflow.MlflowClient(tracking_uri, tracking_uri)
    _add_page(lambda: client, experiment)
    app: FastAPI = create_fastapi_app()
    return app


def study_address(client: MlflowClient, experiment: str, study: str = "") -> str:
    """Where MLflow's UI shows the trials of a study, or of the study that was begun last.

    Studies of earlier versions have no saved view; their trials are sorted alike.

    Raises:
        FmsearchError: There is no such study.
    """
    found = client.get_experiment_by_name(experiment)
    if found is None:
        raise FmsearchError(f"no experiment {experiment!r} in MLflow; name one with --experiment")
    number = str(found.experiment_id)
    if (run := _study_run(client, number, study)) is None:
        if study:
            raise FmsearchError(
                f"no study {study!r} in MLflow's experiment {experiment!r}; "
                "`fmsearch status` lists the studies"
            )
        return f"#/experiments/{number}/runs?workflowType=machine_learning"
    key = run.data.tags.get(TAG_ID, "")
    if f"{TAG_VIEW}{key}" in found.tags:
        return view_address(number, key)
    return best_first(number, tagged({TAG_STUDY: run.data.tags[TAG_STUDY], TAG_ROLE: "trial"}))


def _study_run(client: MlflowClient, experiment_id: str, study: str) -> Run | None:
    if "'" in study:
        return None
    asked = tagged({TAG_ROLE: "study", **({TAG_STUDY: study} if study else {})})
    newest = ["attributes.start_time DESC"]
    runs = client.search_runs([experiment_id], asked, max_results=1, order_by=newest)
    return runs[0] if runs else None


def _add_page(client: Callable[[], MlflowClient], experiment: str) -> None:
    """Add the page to MLflow's app, so that whoever guards all its pages guards this one, too.

    It is a script that leads on, as no server sees what stands behind an address's `#`.
    """
    from flask import Response
    from mlflow.server import app
    from mlflow.server.handlers import STATIC_PREFIX_ENV_VAR

    def page(study: str = "") -> Response:
        try:
            target = study_address(client(), experiment, study)
        except FmsearchError as error:
            return Response(str(error), 404, mimetype="text/plain")
        return Response(_PAGE.replace("ADDRESS", json.dumps(f"../{target}")))

    prefix = os.environ.get(STATIC_PREFIX_ENV_VAR, "").rstrip("/")
    for path in (PATH, f"{PATH}<study>"):
        app.add_url_rule(prefix + path, "fmsearch_study", page)
