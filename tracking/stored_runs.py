"""Stored runs: what an MLflow store holds of runs, read back as values."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import FmsearchError
from .damaged_files import damaged_files
from .run_record import TAG_ID
from .store import Store

if TYPE_CHECKING:
    from mlflow.entities import FileInfo, LoggedModel, Run
    from mlflow.store.artifact.artifact_repo import ArtifactRepository

RUNS_PER_PAGE = 1_000
FIGURES = "figures"
MODEL_FILE = "data/model.keras"

MetricValues = Mapping[tuple[str, int], float]
"""Values of metrics, by name and step."""


class StoredModel(Enum):
    """What there is of a run's model."""

    NONE = "none"
    EMPTY = "without its files"
    DAMAGED = "with damaged files"
    WHOLE = "whole"


@dataclass(frozen=True, kw_only=True)
class StoredRun:
    """One run as the store has it.

    Attributes:
        status: MLflow's word for it.
        is_deleted: Whether it is in MLflow's bin, from which it can be restored.
        started_at, ended_at: Milliseconds since 1970, UTC.
        metrics: The last value of each.
        source: Where the data set is that is its input; empty if it has none.
    """

    id: str
    name: str
    status: str
    is_deleted: bool
    started_at: int
    ended_at: int | None
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    source: str


@dataclass(frozen=True)
class WholeRun(StoredRun):
    """One run and what stands beside it.

    Attributes:
        files: Paths of its artifacts that are not empty, those below `figures` included.
        model: What there is of its logged model.
        damaged: What is wrong with files that are not as they were written, by path.
    """

    files: frozenset[str]
    model: StoredModel
    damaged: Mapping[str, str] = field(default_factory=dict)


def find_named(store: Store, text: str) -> StoredRun:
    """The run with this id or this name.

    Raises:
        FmsearchError: There is none, or there are several.
    """
    quote = '"' if "'" in text else "'"
    runs: list[Run] = []
    for attribute in ("run_id", "run_name"):
        asked = partial(
            store.client.search_runs,
            [store.experiment_id],
            f"attributes.{attribute} = {quote}{text}{quote}",
        )
        runs += store.again(asked)
    if not runs:
        raise FmsearchError(
            f"no run {text!r}; give a run's id or its name, such as mlp_grid-0006, as "
            "`fmsearch ui` shows them"
        )
    if len(runs) > 1:
        ids = ", ".join(str(run.info.run_id) for run in runs)
        raise FmsearchError(f"{len(runs)} runs are called {text!r}; give the id of one: {ids}")
    return StoredRun(**_fields(runs[0]))


def find_tagged(store: Store, tags: Mapping[str, str]) -> StoredRun | None:
    """The run that has these tags, if there is one."""
    run = store.find(tags)
    return None if run is None else StoredRun(**_fields(run))


def runs_of_study(store: Store, study_id: str, *, read: bool = False) -> list[WholeRun]:
    """All runs of a study, deleted ones included.

    Runs and models come in pages; artifacts are listed folder by folder, which takes a server two
    or three requests for each run.

    Args:
        store: Of MLflow.
        study_id: Whose.
        read: Whether files are read, to find damaged ones; a server sends each of them.

    Raises:
        TrackingError: The store did not answer, or refused.
    """
    models = defaultdict(list)
    for model in store.again(lambda: list(store.models.having({TAG_ID: study_id}))):
        models[model.source_run_id].append(model)
    runs = store.again(lambda: list(pages(store, study_id)))
    whole = (partial(_whole, run, models[run.info.run_id], read=read) for run in runs)
    return [store.again(one) for one in whole]


def _whole(run: Run, models: list[LoggedModel], *, read: bool) -> WholeRun:
    artifacts = _artifacts(run.info.artifact_uri)
    files = frozenset(_files(artifacts, ""))
    damaged = damaged_files(artifacts, files) if read and files else {}
    model = _model(models, read=read)
    return WholeRun(**_fields(run), files=files, model=model, damaged=damaged)


def read_metrics(store: Store, run: StoredRun) -> MetricValues:
    """Every value of every metric of a run."""
    histories = {
        name: store.again(partial(store.client.get_metric_history, run.id, name))
        for name in run.metrics
    }
    return {(name, one.step): one.value for name in histories for one in histories[name]}


def read_text(store: Store, run: StoredRun, artifact: str) -> str:
    """A text file among a run's artifacts."""
    with tempfile.TemporaryDirectory() as folder:
        file = store.again(lambda: store.client.download_artifacts(run.id, artifact, folder))
        return Path(file).read_text("utf-8")


def artifact_text(store: Store, run_id: str, artifact: str) -> str | None:
    """A text file at the top of a run's artifacts; None if it, or the run, is not there.

    Raises:
        TrackingError: The store did not answer.
    """
    from mlflow.exceptions import MlflowException

    with store.errors(), tempfile.TemporaryDirectory() as folder:
        try:
            listed = [one.path for one in store.client.list_artifacts(run_id)]
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise
        if artifact not in listed:
            return None
        return Path(store.client.download_artifacts(run_id, artifact, folder)).read_text("utf-8")


def read_artifacts(store: Store, run: StoredRun, folder: Path) -> None:
    """All artifacts of a run, into a folder that is made."""
    folder.mkdir(parents=True, exist_ok=True)
    store.again(lambda: store.client.download_artifacts(run.id, "", str(folder)))


def _fields(run: Run) -> dict[str, Any]:
    """The attributes of a `StoredRun`."""
    info, data = run.info, run.data
    inputs = run.inputs.dataset_inputs if run.inputs else []
    return {
        "id": str(info.run_id),
        "name": str(info.run_name),
        "status": str(info.status),
        "is_deleted": info.lifecycle_stage == "deleted",
        "started_at": int(info.start_time),
        "ended_at": None if info.end_time is None else int(info.end_time),
        "tags": dict(data.tags),
        "params": dict(data.params),
        "metrics": dict(data.metrics),
        "source": str(inputs[0].dataset.source) if inputs else "",
    }


def pages(store: Store, study_id: str) -> Iterator[Run]:
    """All runs of a study as MLflow has them, deleted ones included, read page by page."""
    from mlflow.entities import ViewType

    token: str | None = None
    while True:
        page = store.client.search_runs(
            [store.experiment_id],
            f"tags.`{TAG_ID}` = '{study_id}'",
            ViewType.ALL,
            RUNS_PER_PAGE,
            page_token=token,
        )
        yield from page
        token = page.token
        if not token:
            return


def _artifacts(uri: str) -> ArtifactRepository:
    """Where artifacts are; a client that is asked by a run's id would read the run once more."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    return get_artifact_repository(uri)


def _files(artifacts: ArtifactRepository, folder: str) -> Iterator[str]:
    """Of folders only `figures` and those below it: what else a user adds may be large."""
    listed: list[FileInfo] = artifacts.list_artifacts(folder or None)
    yield from _filled(listed)
    for one in listed:
        if one.is_dir and one.path.split("/")[0] == FIGURES:
            yield from _files(artifacts, one.path)


def _filled(listed: Iterable[FileInfo]) -> Iterator[str]:
    return (one.path for one in listed if not one.is_dir and one.file_size != 0)


def _model(models: list[LoggedModel], *, read: bool) -> StoredModel:
    found = StoredModel.NONE
    for model in models:
        if str(model.status) == "READY":
            found = _model_files(_artifacts(model.artifact_location), read=read)
        if found is StoredModel.WHOLE:
            break
    return found


def _model_files(artifacts: ArtifactRepository, *, read: bool) -> StoredModel:
    listed = artifacts.list_artifacts()
    files = {*_filled(listed)}
    for folder in (one.path for one in listed if one.is_dir):
        files |= {*_filled(artifacts.list_artifacts(folder))}
    if MODEL_FILE not in files:
        return StoredModel.EMPTY
    return StoredModel.DAMAGED if read and damaged_files(artifacts, files) else StoredModel.WHOLE
