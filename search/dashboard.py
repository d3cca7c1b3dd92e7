"""Optuna's dashboard on a storage: with the score's name and links to MLflow, and read-only.

The dashboard can rename, delete, create and tell as well, which would break a study of ours; only
its notes may be written. What is added is added to answers: nothing of it is stored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from ..errors import FmsearchError
from ..places import Places
from ..tracking.reachability import TrackingError
from ..tracking.run_record import tagged
from ..tracking.saved_views import best_first, view_address
from ..tracking.store import Store
from .runs.values import trial_identity
from .storage.database import open_database
from .storage.optuna_private import id_of
from .storage.storage import open_storage
from .trial import ranking

HOST = "127.0.0.1"
NAMES = [HOST, "localhost"]
"""By which it answers. A web page elsewhere can let its own name lead to this machine, and would
read what is answered; its name then stands in the request."""
MOST_NOTES = 200
"""So many of a study's best trials have a link; the dashboard looks through all notes for each."""
METRIC_NAMES = "study:metric_names"
"""Optuna's name of the attribute that `Study.set_metric_names` sets."""
NOTE_VERSION, NOTE = "dashboard:{}note_ver", "dashboard:{}note_str:0"
"""The dashboard's names of the attributes of a note, of a study or of a trial of it."""

Respond = Callable[..., Any]
Application = Callable[[dict[str, Any], Respond], Iterable[bytes]]


class _Server(ThreadingMixIn, WSGIServer):
    """Answers requests side by side."""

    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Nothing: each page asks every few seconds."""


@contextmanager
def dashboard(places: Places, port: int, ui: str) -> Iterator[WSGIServer]:
    """A server of the dashboard, for this machine only; it answers while `serve_forever` runs.

    Args:
        places: Of the store.
        port: Where it listens.
        ui: The address of MLflow's UI, to which links lead.

    Raises:
        FmsearchError: The dashboard is not installed, the port is taken, or there is no storage.
    """
    try:
        from optuna_dashboard import wsgi
    except ImportError as error:
        raise FmsearchError(
            f"Optuna's dashboard is not installed ({error}); pip install 'fmsearch[server]'"
        ) from error
    storage = _with_links(open_database(places.storage).optuna, places, ui)
    try:
        server = make_server(
            HOST, port, _guarded(wsgi(storage)), server_class=_Server, handler_class=_Quiet
        )
    except OSError as error:
        raise FmsearchError(
            f"port {port} is taken ({error.strerror}); choose another one with --port"
        ) from error
    with server:
        yield server


def _guarded(application: Application) -> Application:
    """Answer by our names alone, and let nothing be changed but notes."""
    from werkzeug.sansio.utils import host_is_trusted

    def refuse(respond: Respond, reason: str) -> list[bytes]:
        respond("403 Forbidden", [("Content-Type", "application/json")])
        return [json.dumps({"reason": reason}).encode()]

    def answer(environ: dict[str, Any], respond: Respond) -> Iterable[bytes]:
        if not host_is_trusted(environ.get("HTTP_HOST"), NAMES):
            return refuse(respond, f"it answers by {' and '.join(NAMES)} alone")
        method, path = environ.get("REQUEST_METHOD"), str(environ.get("PATH_INFO"))
        if method not in ("GET", "HEAD") and not (method == "PUT" and path.endswith("/note")):
            return refuse(respond, "fmsearch keeps the studies; here only notes can be changed")
        return application(environ, respond)

    return answer


def _with_links(storage: Any, places: Places, ui: str) -> Any:
    """The storage, whose studies have names of their values, and notes with links to MLflow."""
    read, ours = storage.get_study_system_attrs, open_storage(places.storage)
    experiment = _experiment(places)

    def attributes(study_id: int) -> dict[str, Any]:
        stored: dict[str, Any] = read(study_id)
        name = storage.get_study_name_from_id(study_id)
        try:
            study = ours.study(name)
        except FmsearchError:  # another program's, or a damaged one
            return stored
        config = study.config
        added: dict[str, Any] = {METRIC_NAMES: list(config.space.objectives)}
        if experiment:
            trials, charts = (
                f"{ui}/{view_address(experiment, config.id, charts=charts)}"
                for charts in (False, True)
            )
            added |= _note("", f"In MLflow: [all trials]({trials}), [as charts]({charts})")
            ids = {one.number: id_of(one) for one in study.frozen()}
            for trial in ranking(study.trials())[:MOST_NOTES]:
                which = tagged(trial_identity(config, trial.number))
                text = f"[Its run in MLflow]({ui}/{best_first(experiment, which)})"
                added |= _note(f"{ids[trial.number]}:", text)
        noted = {one for one in added if one.endswith("note_ver") and one in stored}
        theirs = {one.replace("note_ver", "note_str:0") for one in noted} | noted
        return {**{key: one for key, one in added.items() if key not in theirs}, **stored}

    listed = storage.get_all_studies

    def studies() -> list[Any]:
        found: list[Any] = listed()
        for study in found:
            study.system_attrs = attributes(study._study_id)
        return found

    storage.get_study_system_attrs, storage.get_all_studies = attributes, studies
    return storage


def _note(whose: str, text: str) -> dict[str, Any]:
    return {NOTE_VERSION.format(whose): 1, NOTE.format(whose): text}


def _experiment(places: Places) -> str:
    """The id of the experiment in MLflow; empty if that is not known."""
    try:
        return Store(places, create=False).experiment_id
    except (TrackingError, FmsearchError):
        return ""
