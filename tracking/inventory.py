"""Inventories: what an MLflow store holds of one study."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from ..places import SQLITE, Places
from .run_record import TAG_ID
from .store import Store

if TYPE_CHECKING:
    from mlflow.entities import FileInfo, LoggedModel, Run
    from mlflow.store.artifact.artifact_repo import ArtifactRepository

RUNS_PER_PAGE = 1_000
FIGURES = "figures"
MODEL_FILE = "data/model.keras"


class StoredModel(Enum):
    """What there is of a run's model."""

    NONE = "none"
    EMPTY = "without its files"
    WHOLE = "whole"


@dataclass(frozen=True)
class StoredRun:
    """One run as the store has it.

    Attributes:
        id, name: MLflow's.
        status: MLflow's word for it.
        is_deleted: Whether it is in MLflow's bin, from which it can be restored.
        started_at, ended_at: Milliseconds since 1970, UTC.
        tags, params: Texts.
        metrics: The last value of each.
        files: Paths of its artifacts that are not empty, those below `figures` included.
        model: Its logged model.
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
    files: frozenset[str] = frozenset()
    model: StoredModel = StoredModel.NONE


def store_exists(places: Places) -> bool:
    """Whether there is a store to look into, so that looking creates none."""
    uri = places.tracking_uri
    return not uri.startswith(SQLITE) or Path(uri.removeprefix(SQLITE)).exists()


def inventory(store: Store, study_id: str) -> list[StoredRun]:
    """All runs of a study, deleted ones included.

    Runs and models come in pages; artifacts are listed folder by folder, which takes a server two
    or three requests for each run.

    Raises:
        TrackingError: The store did not answer, or refused.
    """
    identity = {TAG_ID: study_id}
    with store.errors():
        models = defaultdict(list)
        for model in store.models.having(identity):
            models[model.source_run_id].append(model)
        return [_stored(run, models[run.info.run_id]) for run in _runs(store, study_id)]


def _runs(store: Store, study_id: str) -> Iterator[Run]:
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


def _stored(run: Run, models: list[LoggedModel]) -> StoredRun:
    info, data = run.info, run.data
    return StoredRun(
        id=str(info.run_id),
        name=str(info.run_name),
        status=str(info.status),
        is_deleted=info.lifecycle_stage == "deleted",
        started_at=int(info.start_time),
        ended_at=None if info.end_time is None else int(info.end_time),
        tags=dict(data.tags),
        params=dict(data.params),
        metrics=dict(data.metrics),
        files=frozenset(_files(_artifacts(info.artifact_uri), "")),
        model=_model(models),
    )


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


def _model(models: list[LoggedModel]) -> StoredModel:
    ready = [model for model in models if str(model.status) == "READY"]
    folder = MODEL_FILE.split("/")[0]
    for model in ready:
        if MODEL_FILE in _filled(_artifacts(model.artifact_location).list_artifacts(folder)):
            return StoredModel.WHOLE
    return StoredModel.EMPTY if ready else StoredModel.NONE
