"""Saved views: how MLflow's UI lists and draws some runs, kept in a tag of their experiment.

MLflow has no call for it: its UI writes these tags itself where a user saves a view, and offers
all of them under "Views". A view is a filter, an order, columns and charts.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from .store import Store

TAG_VIEW = "mlflow.sharedViewState."
"""With a view's key behind it."""


@dataclass(frozen=True, kw_only=True)
class SavedView:
    """How some runs are shown.

    Attributes:
        key: By which it is found, in an address, too.
        name: As users see it.
        filter: Of runs, in MLflow's language.
        best_by: The metric by which they are sorted, the highest first.
        columns: What is shown of each run, as `metric`, `param` and `tag` name it.
        charts: As the functions of this module make them.
        created_at: Milliseconds since 1970, UTC.
    """

    key: str
    name: str
    filter: str
    best_by: str
    columns: Sequence[str]
    charts: Sequence[Mapping[str, Any]]
    created_at: int

    @property
    def tag(self) -> tuple[str, str]:
        """The tag of the experiment that holds it, name and value."""
        section = "search"
        state = {
            "searchFilter": self.filter,
            "orderByKey": metric(self.best_by),
            "orderByAsc": False,
            "startTime": "ALL",
            "lifecycleFilter": "Active",
            "modelVersionFilter": "All Runs",
            "datasetsFilter": [],
            "selectedColumns": [*self.columns],
            "columnOrder": [*self.columns],
            "runsHiddenMode": "FIRST_20_RUNS",
            "compareRunCharts": [
                {
                    "uuid": f"{self.key}-{place}",
                    "metricSectionId": section,
                    "isGenerated": False,
                    "deleted": False,
                    **chart,
                }
                for place, chart in enumerate(self.charts)
            ],
            "compareRunSections": [
                {
                    "uuid": section,
                    "name": self.name,
                    "display": True,
                    "isReordered": True,
                    "columns": 2,
                }
            ],
            "isAccordionReordered": True,
            "autoRefreshEnabled": True,
        }
        packed = base64.b64encode(zlib.compress(json.dumps(state).encode())).decode()
        value = {
            "name": self.name,
            "createdAt": self.created_at,
            "updatedAt": self.created_at,
            "state": f"deflate;{packed}",
        }
        return f"{TAG_VIEW}{self.key}", json.dumps(value)


def metric(name: str) -> str:
    """A column, or what runs are sorted by."""
    return f"metrics.`{name}`"


def param(name: str) -> str:
    """A column."""
    return f"params.`{name}`"


def tag(name: str) -> str:
    """A column."""
    return f"tags.`{name}`"


def parallel_coordinates(params: Sequence[str], metric: str) -> dict[str, Any]:
    """A chart: a line for each run through its params and a metric."""
    return {
        "type": "PARALLEL",
        "selectedParams": [*params],
        "selectedMetrics": [metric],
        "showAllRuns": True,
    }


def curves(*metrics: str) -> dict[str, Any]:
    """A chart: metrics by step, a line for each run."""
    return {
        "type": "LINE",
        "metricKey": metrics[0],
        "selectedMetricKeys": [*metrics],
        "xAxisKey": "step",
        "selectedXAxisMetricKey": "",
        "useGlobalXaxisKey": False,
        "useGlobalLineSmoothing": True,
        "lineSmoothness": 0,
        "scaleType": "linear",
        "xAxisScaleType": "linear",
        "range": {},
        "yAxisKey": "metric",
        "yAxisExpressions": [],
        "ignoreOutliers": False,
    }


def save_view(store: Store, view: SavedView) -> None:
    """Offer a view in MLflow's UI, in place of the one with its key.

    Raises:
        TrackingError: The store did not answer, or refused.
    """
    with store.errors():
        store.client.set_experiment_tag(store.experiment_id, *view.tag)


def delete_view(store: Store, key: str) -> None:
    """Delete a view, if it is there; raises what `save_view` raises."""
    name = f"{TAG_VIEW}{key}"
    with store.errors():
        if name in store.client.get_experiment(store.experiment_id).tags:
            store.client.delete_experiment_tag(store.experiment_id, name)


def view_address(experiment_id: str, key: str, *, charts: bool = False) -> str:
    """Where MLflow's UI shows a view as a table or as charts, behind the address of its server."""
    return _runs(experiment_id, {"viewStateShareKey": key}, charts=charts)


def run_address(experiment_id: str, run_id: str) -> str:
    """Where MLflow's UI shows a run, behind the address of its server."""
    return f"#/experiments/{experiment_id}/runs/{run_id}"


def picture_address(run_id: str, path: str) -> str:
    """Where MLflow's server has a file of a run, behind its address."""
    return f"get-artifact?{urlencode({'path': path, 'run_uuid': run_id})}"


def best_first(experiment_id: str, asked: str) -> str:
    """Where MLflow's UI shows runs sorted by their score, without a saved view."""
    order = {"orderByKey": metric("score"), "orderByAsc": "false"}
    return _runs(experiment_id, {"searchFilter": asked, **order})


def _runs(experiment_id: str, how: Mapping[str, str], *, charts: bool = False) -> str:
    mode = {"compareRunsMode": "CHART"} if charts else {}
    asked = {**how, "workflowType": "machine_learning", **mode}
    return f"#/experiments/{experiment_id}/runs?{urlencode(asked)}"
