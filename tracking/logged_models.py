"""Logged models: the networks of runs, as MLflow stores them."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import TYPE_CHECKING

from ..checksums import write_checksums
from .model_folder import write_model_folder
from .run_record import TAG_MODEL, TAG_TRIAL, LoggedModel, RunRecord, tagged
from .uploads import check_arrived

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel as MlflowModel
    from mlflow.entities import Run

FORBIDDEN = re.compile(r"[/:.%\"']")
"""What MLflow does not take in the name of a model."""


class LoggedModels:
    """The logged models of one experiment. Its methods raise what MLflow's client raises."""

    def __init__(self, client: MlflowClient, experiment_id: str, *, is_server: bool) -> None:
        """Take the experiment; nothing is read yet.

        Args:
            is_server: Whether the store is a server, which may have carried out a request whose
                answer is lost.
        """
        self._client = client
        self._experiment_id = experiment_id
        self._is_server = is_server

    def having(self, identity: Mapping[str, str]) -> Iterator[MlflowModel]:
        """All models with these tags, read page by page."""
        token: str | None = None
        while True:
            page = self._client.search_logged_models(
                [self._experiment_id], tagged(identity), page_token=token
            )
            yield from page
            token = page.token
            if not token:
                return

    def drop(self, identity: Mapping[str, str], keep: Set[str], why: str) -> None:
        """Delete models with their files, and write into their runs why.

        Args:
            identity: Tags of the models.
            keep: Values of the tag `fmsearch.trial` of models that stay.
            why: New value of the tag `fmsearch.model` of the runs.
        """
        for model in list(self.having(identity)):
            if model.tags.get(TAG_TRIAL) in keep:
                continue
            if model.source_run_id is not None:
                self._client.set_tag(model.source_run_id, TAG_MODEL, why)
            self._delete(model)

    def log(self, run_id: str, record: RunRecord, model: LoggedModel, earlier: Run | None) -> str:
        """Give a run its one model; `earlier` is the run as an interrupted shipment left it.

        Returns:
            The model's id.
        """
        from mlflow.entities import LoggedModelOutput

        whole = None
        if earlier is not None:
            for old in self._of(run_id):
                if str(old.status) == "READY":
                    whole = old
                else:
                    self._delete(old)
        if whole is None:
            whole = self._make(run_id, record, model)
            if self._is_server:
                for other in self._of(run_id):
                    if other.model_id != whole.model_id:
                        self._delete(other)
        outputs = earlier.outputs.model_outputs if earlier and earlier.outputs else []
        if whole.model_id not in [one.model_id for one in outputs]:  # it would be shown twice
            self._client.log_outputs(run_id, [LoggedModelOutput(whole.model_id, model.step)])
        return str(whole.model_id)

    def _of(self, run_id: str) -> list[MlflowModel]:
        asked = f"source_run_id = '{run_id}'"
        return list(self._client.search_logged_models([self._experiment_id], asked))

    def _make(self, run_id: str, record: RunRecord, model: LoggedModel) -> MlflowModel:
        logged = self._client.create_logged_model(
            self._experiment_id,
            name=FORBIDDEN.sub("-", record.name),
            source_run_id=run_id,
            tags=dict(record.identity),
            params=dict(record.params),
            model_type="keras",
        )
        # Beside the model's file: cleaners of temporary files do not come there.
        with tempfile.TemporaryDirectory(dir=model.file.parent) as folder:
            write_model_folder(Path(folder), model, logged.model_id)
            write_checksums(Path(folder))
            self._client.log_model_artifacts(logged.model_id, folder)
            check_arrived(
                Path(folder),
                lambda path: self._client.list_logged_model_artifacts(logged.model_id, path),
            )
        return self._client.finalize_logged_model(logged.model_id, "READY")

    def _delete(self, model: MlflowModel) -> None:
        """Delete a logged model, its files first, so that a kill leaves no files behind."""
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        repository = get_artifact_repository(model.artifact_location)
        repository.delete_artifacts()  # type: ignore[no-untyped-call]
        self._client.delete_logged_model(model.model_id)
