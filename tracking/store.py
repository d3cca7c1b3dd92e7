"""An MLflow store: runs are looked up, written whole and ended in one place."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import FmsearchError
from .model_folder import write_model_folder
from .places import ANSWER_SECONDS, SQLITE, Places, shown
from .record import MOST_TAG_CHARACTERS, DataInput, LoggedModel, RunRecord, Status

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

MODEL_NAME = "model"


class TrackingError(FmsearchError):
    """The MLflow store did not do what it was asked, and may do it later."""


def check_reachable(places: Places) -> None:
    """Ask the store for a sign of life, within seconds and without loading MLflow.

    Raises:
        FmsearchError: A server does not answer, or refuses; or a file is no database.
    """
    way_out = "start it, mend MLFLOW_TRACKING_URI, or go on without by --offline"
    if not places.is_server:
        _check_database(places.tracking_uri, way_out)
        return
    import requests
    import urllib3

    url = f"{places.tracking_uri.rstrip('/')}/api/2.0/mlflow/experiments/search"
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    user = os.environ.get("MLFLOW_TRACKING_USERNAME")
    password = os.environ.get("MLFLOW_TRACKING_PASSWORD")
    try:
        answer = requests.get(
            url,
            params={"max_results": "1"},
            timeout=ANSWER_SECONDS,
            auth=(user, password or "") if user else None,
            headers={"Authorization": f"Bearer {token}"} if token and not user else None,
        )
    except (requests.RequestException, urllib3.exceptions.HTTPError, UnicodeError) as error:
        raise FmsearchError(
            f"the MLflow server {shown(places.tracking_uri)} cannot be reached "
            f"({type(error).__name__}); {way_out}"
        ) from error
    if answer.status_code in (401, 403):
        raise FmsearchError(
            f"the MLflow server {shown(places.tracking_uri)} refuses the credentials "
            f"(HTTP {answer.status_code}); set MLFLOW_TRACKING_USERNAME and "
            "MLFLOW_TRACKING_PASSWORD, or go on without by --offline"
        )
    if answer.status_code != 200:
        raise FmsearchError(
            f"{shown(places.tracking_uri)} does not answer as an MLflow server "
            f"(HTTP {answer.status_code}); {way_out}"
        )


class Store:
    """One experiment of an MLflow store, embedded or a server. Used by one thread at a time."""

    def __init__(self, places: Places) -> None:
        """Connect, and create the experiment if it is new.

        Raises:
            TrackingError: The store cannot be used.
        """
        # A dead server is found out in seconds; who calls decides when to try again.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
        import mlflow

        # MLflow sets its own level when it is loaded; its INFO tells of table creation.
        logging.getLogger("mlflow").setLevel(logging.ERROR)
        logging.getLogger("alembic").setLevel(logging.ERROR)
        self._places = places
        with self.errors():
            _prepare_sqlite(places.tracking_uri, create=True)
            mlflow.set_tracking_uri(places.tracking_uri)
            mlflow.set_registry_uri(places.tracking_uri)
            self.client: MlflowClient = mlflow.MlflowClient(places.tracking_uri)
            self.experiment_id = self._experiment(places)

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Whatever the store's client raises, as a `TrackingError`."""
        import requests
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except TrackingError:
            raise
        except (MlflowException, requests.RequestException, SQLAlchemyError, OSError) as error:
            reason = shown(" ".join(str(error).split()))[:300]
            where = shown(self._places.tracking_uri)
            raise TrackingError(f"MLflow at {where}: {reason}") from error

    def _experiment(self, places: Places) -> str:
        found = self.client.get_experiment_by_name(places.experiment)
        if found is not None:
            if found.lifecycle_stage == "deleted":
                raise FmsearchError(
                    f"the experiment {places.experiment!r} is deleted in MLflow; restore it, "
                    "or name another one with --experiment"
                )
            return str(found.experiment_id)
        return str(
            self.client.create_experiment(
                places.experiment,
                artifact_location=None if places.is_server else places.artifacts.as_uri(),
                tags={"mlflow.experimentKind": "custom_model_development"},
            )
        )

    def find(self, identity: Mapping[str, str]) -> Run | None:
        """The run that has these tags, if there is one."""
        text = " and ".join(f"tags.`{name}` = '{value}'" for name, value in identity.items())
        with self.errors():
            runs = self.client.search_runs([self.experiment_id], text, max_results=1)
        return runs[0] if runs else None

    def ship(self, record: RunRecord, parent: str | None = None) -> str:
        """Write a run so that the store holds it whole, however often it is shipped.

        Args:
            record: What the run is to hold.
            parent: Id of the run under which it stands.

        Returns:
            The run's id.

        Raises:
            TrackingError: The store did not answer, or refused.
        """
        from mlflow.entities import Metric, Param, RunTag

        with self.errors():
            run = self.find(record.identity)
            if run is not None and run.info.status == record.status.value != "RUNNING":
                return str(run.info.run_id)
            run_id = str(run.info.run_id) if run else self._create(record, parent)
            if record.data is not None:
                self._log_data(run_id, record.data)
            if record.model is not None:
                self._log_model(run_id, record.model, is_new=run is None)
            if record.artifacts is not None:
                self.client.log_artifacts(run_id, str(record.artifacts))
            points = [
                Metric(one.name, one.value, one.measured_at, one.step) for one in record.points
            ]
            params = [Param(name, value) for name, value in record.params.items()]
            tags = [
                RunTag(name, value[:MOST_TAG_CHARACTERS]) for name, value in record.tags.items()
            ]
            self.client.log_batch(run_id, points, params, tags)
            if record.status is not Status.RUNNING:
                self.client.set_terminated(run_id, record.status.value, record.ended_at)
            elif run is not None and run.info.status != "RUNNING":
                self.client.update_run(run_id, "RUNNING")
            return run_id

    def _create(self, record: RunRecord, parent: str | None) -> str:
        family = {"mlflow.parentRunId": parent} if parent else {}
        tags = {**self._source, **family, **record.identity}
        run = self.client.create_run(
            self.experiment_id, record.started_at, tags, run_name=record.name
        )
        return str(run.info.run_id)

    @cached_property
    def _source(self) -> dict[str, str]:
        """MLflow's usual tags of user, program and git commit; the same for all runs."""
        from mlflow.tracking.context.registry import resolve_tags

        return dict(resolve_tags())

    def _log_data(self, run_id: str, data: DataInput) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag

        dataset = Dataset(
            name=data.name,
            digest=data.sha256[:36],  # the most that MLflow keeps; a tag has it whole
            source_type="local",
            source=data.source,
            profile=json.dumps(dict(data.profile)),
        )
        context = InputTag("mlflow.data.context", "training")
        self.client.log_inputs(run_id, [DatasetInput(dataset, [context])])

    def _log_model(self, run_id: str, model: LoggedModel, *, is_new: bool) -> None:
        from mlflow.entities import LoggedModelOutput

        if not is_new:  # an earlier shipment was cut off: what it left is not whole
            for old in self.client.search_logged_models(
                [self.experiment_id], f"source_run_id = '{run_id}'"
            ):
                self.client.delete_logged_model(old.model_id)
        logged = self.client.create_logged_model(
            self.experiment_id, name=MODEL_NAME, source_run_id=run_id, model_type="keras"
        )
        with tempfile.TemporaryDirectory() as folder:
            write_model_folder(Path(folder), model, logged.model_id)
            self.client.log_model_artifacts(logged.model_id, folder)
        self.client.finalize_logged_model(logged.model_id, "READY")
        self.client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, model.step)])


def _prepare_sqlite(uri: str, *, create: bool) -> None:
    """Give an embedded database write-ahead logging: the UI reads while studies write."""
    path = Path(uri.removeprefix(SQLITE))
    if not uri.startswith(SQLITE) or not (create or path.exists()):
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA journal_mode=WAL")
    except sqlite3.Error as error:
        raise TrackingError(f"cannot open {path}: {error}") from error


def _check_database(uri: str, way_out: str) -> None:
    from sqlalchemy import create_engine
    from sqlalchemy.exc import SQLAlchemyError

    path = Path(uri.removeprefix(SQLITE))
    try:
        if uri.startswith(SQLITE) and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            return  # the database will be made in that folder
        _prepare_sqlite(uri, create=False)
        engine = create_engine(uri)
        with engine.connect():
            engine.dispose()
    except TrackingError as error:
        raise FmsearchError(str(error)) from error
    except (ImportError, OSError, SQLAlchemyError) as error:
        reason = " ".join(str(getattr(error, "orig", None) or error).split())
        raise FmsearchError(
            f"MLflow's database {shown(uri)} cannot be used ({shown(reason)}); {way_out}"
        ) from error
