"""An MLflow store: runs are looked up, written whole and ended in one place."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..artifact_addresses import EXPERIMENT_TAG
from ..errors import FmsearchError, full_disk
from ..places import Places
from ..redaction import redacted, shown
from .embedded import in_use, make_database
from .entities import batch, dataset_input, model_inputs
from .logged_models import LoggedModels
from .quiet_mlflow import load_mlflow
from .reachability import TrackingError, prepare_sqlite
from .request_retries import repeating
from .run_record import (
    TAG_PARENT,
    TAG_RESTORED,
    TAG_RESULT,
    DataInput,
    Metric,
    RunRecord,
    Status,
    tagged,
)
from .uploads import Uploads
from .written_run import check_is_rest, lacking

if TYPE_CHECKING:
    from mlflow.entities import Run

T = TypeVar("T")

RETRY_SECONDS = 5.0


class Store:
    """One experiment of an MLflow store, embedded or a server. Used by one thread at a time."""

    def __init__(
        self, places: Places, *, create: bool = True, retry_seconds: float = RETRY_SECONDS
    ) -> None:
        """Connect, and create the experiment if it is new.

        Args:
            places: Where the store is.
            create: Whether to; a store that is only read stays as it is.
            retry_seconds: How long a failing server is tried again; 0 where the caller does that.

        Raises:
            TrackingError: The store cannot be used.
            FmsearchError: There is no such experiment, and none is to be created.
        """
        if not create and not places.has_runs:
            raise FmsearchError(
                f"there is no store at {places.runs_file} yet; run `fmsearch study` first"
            )
        load_mlflow()
        import mlflow

        self._places = places
        self._retry_seconds = retry_seconds if places.is_server else 0.0
        with self.errors():
            make_database(places.runs_file)
            prepare_sqlite(places.runs_file)
            use = ExitStack()
            use.enter_context(in_use(places))
            weakref.finalize(self, use.close)
            mlflow.set_tracking_uri(places.tracking_uri)
            client = mlflow.MlflowClient(places.tracking_uri, places.tracking_uri)
            self.client = repeating(client) if places.is_server else client
            self.experiment_id = self.again(lambda: self._experiment(places, create=create))
            self._uploads = Uploads(self.client)
            self.models = LoggedModels(self.client, self.experiment_id, is_server=places.is_server)

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
            if line := full_disk(error):
                raise FmsearchError(line) from error
            reason = redacted(" ".join(str(error).split()))[:300]
            where = shown(self._places.tracking_uri)
            raise TrackingError(f"MLflow at {where}: {reason}") from error

    def _experiment(self, places: Places, *, create: bool) -> str:
        found = self.client.get_experiment_by_name(places.experiment)
        if found is not None:
            if found.lifecycle_stage == "deleted":
                raise FmsearchError(
                    f"the experiment {places.experiment!r} is deleted in MLflow; restore it, "
                    "or name another one with --experiment"
                )
            return str(found.experiment_id)
        if not create:
            raise FmsearchError(
                f"there is no experiment {places.experiment!r} in MLflow at "
                f"{shown(places.tracking_uri)}; name another one with --experiment"
            )
        from mlflow.exceptions import MlflowException

        location = None if places.is_server else places.artifacts.as_uri()
        try:
            return str(
                self.client.create_experiment(places.experiment, location, dict([EXPERIMENT_TAG]))
            )
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            return self._experiment(places, create=False)  # made by another study just now

    def find(self, identity: Mapping[str, str]) -> Run | None:
        """The run that has these tags, if there is one."""
        search, which = self.client.search_runs, tagged(identity)
        runs = self.again(lambda: search([self.experiment_id], which, max_results=1))
        return runs[0] if runs else None

    def having(self, identity: Mapping[str, str]) -> list[Run]:
        """The runs that have these tags, a thousand at most."""
        return self.again(
            lambda: list(self.client.search_runs([self.experiment_id], tagged(identity)))
        )

    def is_whole(self, identity: Mapping[str, str]) -> bool:
        """Whether the run that has these tags is there and has ended: then it holds all it must."""
        run = self.find(identity)
        return run is not None and run.info.status != "RUNNING"

    def delete_runs(self, identity: Mapping[str, str]) -> None:
        """Delete all runs that have these tags; MLflow can restore them."""

        def delete() -> None:
            while runs := self.client.search_runs([self.experiment_id], tagged(identity)):
                for run in runs:
                    self.client.delete_run(run.info.run_id)

        self.again(delete)

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
        return self.again(lambda: self._ship(record, parent))

    def again(self, step: Callable[[], T]) -> T:
        """Take a step, again while the server fails if it is this store's to do so.

        Args:
            step: Looks first for what an earlier try has left, if it writes.

        Raises:
            TrackingError: It went on failing.
        """
        from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

        tries = Retrying(
            retry=retry_if_exception_type(TrackingError),
            wait=wait_fixed(1),
            stop=stop_after_delay(self._retry_seconds),
            reraise=True,
        )
        return tries(self.errors()(step))

    def _ship(self, record: RunRecord, parent: str | None) -> str:
        """Write what a run is to hold: its tags behind its files, its status behind all."""
        run = self._only(record.identity)
        restored = run is not None and TAG_RESTORED in run.data.tags
        if run is not None and not restored:
            if run.data.tags.get(TAG_RESULT) != record.tags.get(TAG_RESULT):
                check_is_rest(run, record)
                self.client.delete_run(run.info.run_id)
                run = None
            elif run.info.status != "RUNNING" and not lacking(run, record):
                return str(run.info.run_id)
        run_id = str(run.info.run_id) if run else self._create(record, parent)
        if record.data is not None:
            self.client.log_inputs(
                run_id, [dataset_input(record.data)], model_inputs(record.measured)
            )
        model_id = record.measured or None
        if record.model is not None:
            model_id = self.models.log(run_id, record, record.model, run)
        if record.artifacts is not None:
            self._uploads.send(run_id, record.artifacts, is_new=run is None)
        what = batch(
            record.metrics, record.params, record.tags, model_id=model_id, data=record.data
        )
        self.client.log_batch(run_id, *what)
        if restored:  # the doctor made it without what has now been found
            self.client.delete_tag(run_id, TAG_RESTORED)
        if record.status is not Status.RUNNING:
            self.client.set_terminated(run_id, record.status.value, record.ended_at)
        elif run is not None and run.info.status != "RUNNING":
            self.client.update_run(run_id, "RUNNING")
        if lacks := lacking(self.client.get_run(run_id), record):
            raise TrackingError(f"MLflow says that it has the run {record.name}, without {lacks}")
        return run_id

    def log(
        self,
        run_id: str,
        *,
        metrics: Iterable[Metric],
        params: Mapping[str, str],
        tags: Mapping[str, str],
        model_id: str | None = None,
        data: DataInput | None = None,
    ) -> None:
        """Add to a run, in one batch; raises what the client raises.

        Args:
            run_id, metrics, params, tags: What is added.
            model_id, data: As `batch` takes them.
        """
        what = batch(metrics, params, tags, model_id=model_id, data=data)
        self.client.log_batch(run_id, *what)

    def _create(self, record: RunRecord, parent: str | None) -> str:
        family = {TAG_PARENT: parent} if parent else {}
        result = {TAG_RESULT: record.tags[TAG_RESULT]} if TAG_RESULT in record.tags else {}
        tags = {**self._source, **family, **record.identity, **result}
        run = self.client.create_run(
            self.experiment_id, record.started_at, tags, run_name=record.name
        )
        if self._places.is_server:  # an earlier request may have been carried out since
            run = self._only(record.identity) or run
        return str(run.info.run_id)

    def _only(self, identity: Mapping[str, str]) -> Run | None:
        """The run that has these tags; others, of a request that was made twice, are deleted."""
        runs = self.client.search_runs([self.experiment_id], tagged(identity))
        runs.sort(key=lambda one: bool(one.info.status == "RUNNING"))  # one that has ended is whole
        for other in runs[1:]:
            self.client.delete_run(other.info.run_id)
        return runs[0] if runs else None

    @cached_property
    def _source(self) -> dict[str, str]:
        """MLflow's usual tags of user, program and git commit; the same for all runs."""
        from mlflow.tracking.context.registry import resolve_tags

        return dict(resolve_tags())

    def add_artifacts(self, run_id: str, folder: Path) -> None:
        """Add a folder's content to a run's artifacts, in place of files of the same names."""
        with self.errors():
            self._uploads.send(run_id, folder)
