"""Checks whether a store can be used, within seconds and before anything is trained."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..errors import FmsearchError
from ..places import ANSWER_SECONDS, Places
from ..redaction import redacted, shown
from ..sqlite import MLFLOW, write_ahead
from .quiet_mlflow import load_mlflow
from .request_retries import PASSING, is_passing, request_retries
from .unreached import WAY_OUT, why_not_reached

if TYPE_CHECKING:
    import requests


class TrackingError(FmsearchError):
    """The MLflow store did not answer or refused; a later try may succeed."""


def check_reachable(places: Places, *, or_offline: bool = False) -> None:
    """Check that the store answers, within seconds; of MLflow only what a server needs is loaded.

    Args:
        places: Of the store.
        or_offline: Whether the command can do without it, by `--offline`: the error says so.

    Raises:
        FmsearchError: The server does not answer or refuses, or the database cannot be opened.
    """
    try:
        if places.is_server:
            _check_server(places)
        else:
            _check_database(places)
    except FmsearchError as error:
        if not or_offline:
            raise
        raise FmsearchError(f"{error}, or go on without by --offline") from error


def check_answers(places: Places) -> None:
    """Check that a server answers, for a command that cannot do without and stores no artifacts.

    Raises:
        FmsearchError: It does not, or refuses.
    """
    if places.is_server:
        _check_server(places, stores=False)


def _ask(places: Places, what: str, **params: str) -> requests.Response:
    """Ask the server, again where it fails at once, as a busy one does.

    Raises:
        MlflowException: It does not answer.
    """
    from tenacity import retry_if_exception, retry_if_result

    retry = retry_if_exception(is_passing) | retry_if_result(
        lambda answer: answer.status_code in PASSING
    )
    answer: requests.Response = request_retries(retry)(lambda: _ask_once(places, what, **params))
    return answer


def _ask_once(places: Places, what: str, **params: str) -> requests.Response:
    """Ask by MLflow's own client, with all its ways to reach a server and to log in."""
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import http_request

    account = get_default_host_creds(places.tracking_uri)  # type: ignore[no-untyped-call]
    answer: requests.Response = http_request(  # type: ignore[no-untyped-call]
        account,
        f"/api/2.0/mlflow/experiments/{what}",
        "GET",
        params=params,
        timeout=ANSWER_SECONDS,
        max_retries=0,
        raise_on_status=False,
    )
    return answer


def _check_settings() -> None:
    """Check that MLflow can read its variables; it would fail in the middle of a study.

    Raises:
        ValueError: One is no number, or neither true nor false; the text names it.
    """
    from mlflow import environment_variables

    for variable in vars(environment_variables).values():
        if isinstance(variable, environment_variables._EnvironmentVariable):
            variable.get()  # type: ignore[no-untyped-call]


def _check_server(places: Places, *, stores: bool = True) -> None:
    load_mlflow()
    from mlflow.exceptions import MlflowException

    try:
        _check_settings()
        answer = _ask(places, "search", max_results="1")
        found = _ask(places, "get-by-name", experiment_name=places.experiment)
        if found.status_code == 404:  # a new one is stored where the first one is
            found = _ask(places, "get", experiment_id="0")
    except (MlflowException, ImportError, ValueError) as error:
        raise FmsearchError(why_not_reached(places.tracking_uri, error)) from error
    if answer.status_code in (401, 403):
        raise FmsearchError(
            f"the MLflow server {shown(places.tracking_uri)} refuses the credentials "
            f"(HTTP {answer.status_code}); set MLFLOW_TRACKING_USERNAME and "
            "MLFLOW_TRACKING_PASSWORD"
        )
    if answer.status_code != 200:
        raise FmsearchError(
            f"{shown(places.tracking_uri)} does not answer as an MLflow server "
            f"(HTTP {answer.status_code}); {WAY_OUT}"
        )
    if found.status_code == 200 and stores:
        try:
            location = str(found.json()["experiment"]["artifact_location"])
        except (ValueError, LookupError, TypeError) as error:
            raise FmsearchError(
                f"{shown(places.tracking_uri)} does not answer as an MLflow server; {WAY_OUT}"
            ) from error
        _check_artifacts(places, location)


def _check_artifacts(places: Places, location: str) -> None:
    """Check that a server's artifacts can be written from another machine."""
    if urlsplit(location).scheme in ("", "file"):
        raise FmsearchError(
            f"the MLflow server {shown(places.tracking_uri)} would have the artifacts of the "
            f"experiment {places.experiment!r} written to {location}, a folder of its own machine; "
            "start it with --artifacts-destination, and name a new --experiment"
        )


def prepare_sqlite(path: Path | None) -> None:
    """Turn on write-ahead logging of an embedded database: the UI reads while studies write.

    Raises:
        TrackingError: The database cannot be opened.
    """
    if path is None or not path.exists():
        return
    try:
        write_ahead(path, MLFLOW)
    except sqlite3.Error as error:
        raise TrackingError(f"cannot open {path}: {error}") from error


def _check_database(places: Places) -> None:
    from sqlalchemy import create_engine
    from sqlalchemy.exc import SQLAlchemyError

    path, uri = places.runs_file, places.tracking_uri
    try:
        if path is not None and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            return  # the database is created later
        prepare_sqlite(path)
        engine = create_engine(uri)
        with engine.connect():
            engine.dispose()
    except TrackingError as error:
        raise FmsearchError(f"{error}; {WAY_OUT}") from error
    except (ImportError, OSError, SQLAlchemyError) as error:
        reason = " ".join(str(getattr(error, "orig", None) or error).split())
        raise FmsearchError(
            f"MLflow's database {shown(uri)} cannot be used ({redacted(reason)}); {WAY_OUT}"
        ) from error
