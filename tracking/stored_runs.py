"""Recorded runs: what a store holds of a run, read back as a value."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import FmsearchError
from .store import Store

if TYPE_CHECKING:
    from mlflow.entities import Run

Points = Mapping[tuple[str, int], float]
"""Values of metrics, by name and step."""


@dataclass(frozen=True)
class RecordedRun:
    """A run of a store.

    Attributes:
        id, name, status: MLflow's.
        tags, params: Texts.
        metrics: Their names.
        source: Of the data set that is its input; empty if it has none.
    """

    id: str
    name: str
    status: str
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: tuple[str, ...]
    source: str


def find_named(store: Store, text: str) -> RecordedRun:
    """The run with this id or this name.

    Raises:
        FmsearchError: There is none, or there are several.
    """
    quote = '"' if "'" in text else "'"
    runs: list[Run] = []
    with store.errors():
        for attribute in ("run_id", "run_name"):
            asked = f"attributes.{attribute} = {quote}{text}{quote}"
            runs += store.client.search_runs([store.experiment_id], asked)
    if not runs:
        raise FmsearchError(
            f"no run {text!r}; give a run's id or its name, such as mlp_grid-0006, as "
            "`fmsearch ui` shows them"
        )
    if len(runs) > 1:
        ids = ", ".join(str(run.info.run_id) for run in runs)
        raise FmsearchError(f"{len(runs)} runs are called {text!r}; give the id of one: {ids}")
    return _recorded(runs[0])


def find_tagged(store: Store, tags: Mapping[str, str]) -> RecordedRun | None:
    """The run that has these tags, if there is one."""
    run = store.find(tags)
    return None if run is None else _recorded(run)


def read_points(store: Store, run: RecordedRun) -> Points:
    """Every value of every metric of a run."""
    with store.errors():
        return {
            (name, point.step): point.value
            for name in run.metrics
            for point in store.client.get_metric_history(run.id, name)
        }


def read_text(store: Store, run: RecordedRun, artifact: str) -> str:
    """A text file among a run's artifacts."""
    with store.errors(), tempfile.TemporaryDirectory() as folder:
        file = store.client.download_artifacts(run.id, artifact, folder)
        return Path(file).read_text("utf-8")


def read_artifacts(store: Store, run: RecordedRun, folder: Path) -> None:
    """All artifacts of a run, into a folder that is made."""
    folder.mkdir(parents=True, exist_ok=True)
    with store.errors():
        store.client.download_artifacts(run.id, "", str(folder))


def _recorded(run: Run) -> RecordedRun:
    inputs = run.inputs.dataset_inputs if run.inputs else []
    return RecordedRun(
        id=str(run.info.run_id),
        name=str(run.info.run_name),
        status=str(run.info.status),
        tags=dict(run.data.tags),
        params=dict(run.data.params),
        metrics=tuple(run.data.metrics),
        source=str(inputs[0].dataset.source) if inputs else "",
    )
