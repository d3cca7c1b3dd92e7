"""MLflow's UI with one page more, which opens it on the trials of a study."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from ..errors import FmsearchError
from .run_record import TAG_ID, TAG_ROLE, TAG_STUDY, tagged
from .saved_views import TAG_VIEW, best_first, view_address

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

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


def make_app(tracking_uri: str, artifacts: str, experiment: str) -> Starlette:
    """MLflow's server on a database, in this process, with the page for an experiment's studies.

    Args:
        tracking_uri: URL of the database.
        artifacts: Address of the folder of artifacts of new experiments.
        experiment: Its name.
    """
    import mlflow
    from mlflow.server.fastapi_app import create_fastapi_app
    from mlflow.server.handlers import initialize_backend_stores
    from starlette.routing import Route

    app: Starlette = create_fastapi_app()
    initialize_backend_stores(tracking_uri, tracking_uri, artifacts)
    client = mlflow.MlflowClient(tracking_uri, tracking_uri)
    page = _page(lambda study: study_address(client, experiment, study))
    # MLflow's own route takes all that no other takes, so that ours must be before it.
    for path in (PATH, PATH + "{study}"):
        app.router.routes.insert(0, Route(path, page))
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


def _page(address: Callable[[str], str]) -> Callable[[Request], Awaitable[Response]]:
    """The page: a script that leads on, as no server sees what stands behind an address's `#`."""
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import HTMLResponse, PlainTextResponse

    async def page(request: Request) -> Response:
        study = request.path_params.get("study", "")
        try:
            target = await run_in_threadpool(address, study)
        except FmsearchError as error:
            return PlainTextResponse(str(error), 404)
        return HTMLResponse(_PAGE.replace("ADDRESS", json.dumps(f"/{target}")))

    return page
