"""Checks whether a store can be used, within seconds and before anything is trained."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..errors import FmsearchError
from ..places import ANSWER_SECONDS, Places
from ..redaction import redacted, shown
from ..sqlite import MLFLOW, write_ahead

if TYPE_CHECKING:
    import requests

WAY_OUT = "start it, mend MLFLOW_TRACKING_URI, or go on without by --offline"


class TrackingError(FmsearchError):
    """The MLflow store did not answer or refused; a later try may succeed."""


def check_reachable(places: Places) -> None:
    """Check that the store answers, within seconds and without loading MLflow.

    Raises:
        FmsearchError: The server does not answer or refuses, or the database cannot be opened.
    """
    if places.is_server:
        _check_server(places)
    else:
        _check_database(places)


def _ask(places: Places, what: str, **params: str) -> requests.Response:
    import requests

    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    user = os.environ.get("MLFLOW_TRACKING_USERNAME")
    password = os.environ.get("MLFLOW_TRACKING_PASSWORD")
    return requests.get(
        f"{places.tracking_uri.rstrip('/')}/api/2.0/mlflow/experiments/{what}",
        params=params,
        timeout=ANSWER_SECONDS,
        auth=(user, password or "") if user else None,
        headers={"Authorization": f"Bearer {token}"} if token and not user else None,
    )


def _check_server(places: Places) -> None:
    import requests
    import urllib3

    try:
        answer = _ask(places, "search", max_results="1")
        found = _ask(places, "get-by-name", experiment_name=places.experiment)
        if found.status_code == 404:  # a new one is stored where the first one is
            found = _ask(places, "get", experiment_id="0")
    except (requests.RequestException, urllib3.exceptions.HTTPError, UnicodeError) as error:
        raise FmsearchError(
            f"the MLflow server {shown(places.tracking_uri)} cannot be reached "
            f"({type(error).__name__}); {WAY_OUT}"
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
            f"(HTTP {answer.status_code}); {WAY_OUT}"
        )
    if found.status_code == 200:
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
        raise FmsearchError(str(error)) from error
    except (ImportError, OSError, SQLAlchemyError) as error:
        reason = " ".join(str(getattr(error, "orig", None) or error).split())
        raise FmsearchError(
            f"MLflow's database {shown(uri)} cannot be used ({redacted(reason)}); {WAY_OUT}"
        ) from error
