"""Deleting a study: for good in the storage, into the bin in MLflow."""

from __future__ import annotations

import shutil

from ...places import Places
from ...tracking.reachability import check_reachable
from ...tracking.registry import CHALLENGER, aliases_of
from ...tracking.run_record import ATTEMPT, TAG_ID, TAG_ROLE
from ...tracking.saved_views import delete_view
from ...tracking.store import Store
from ..runs.values import identity
from ..storage.storage import open_storage
from ..storage.study_config import StudyConfig


def versions_in_use(places: Places, study: StudyConfig) -> list[str]:
    """The aliases, such as `models:/<name>@champion`, of versions that a study's trials gave.

    Raises:
        FmsearchError: The store cannot be reached.
    """
    check_reachable(places)
    if not places.has_runs:
        return []
    store = Store(places)
    finals = store.having(identity(study, "final"))
    found = [alias for run in finals for alias in aliases_of(store, run.info.run_id)]
    return [alias for alias in found if not alias.endswith(f"@{CHALLENGER}")]


def delete_study(places: Places, name: str) -> None:
    """Delete a study, if there is one: its runs, its results in the outbox, and its trials.

    MLflow can restore the runs; registered models stay. The trials are deleted last, so that an
    interrupted call can be repeated. The caller holds the study's lock.

    Raises:
        FmsearchError: Another worker runs the study, or the store cannot be reached.
    """
    storage = open_storage(places.storage, places.worker())
    if name not in storage.names():
        return
    study = storage.study(name)
    study.check_run_nowhere_else()
    store = Store(places)
    for role in ("trial", ATTEMPT, "study"):
        store.delete_runs({TAG_ROLE: role, TAG_ID: study.config.id})
    delete_view(store, study.config.id)
    shutil.rmtree(places.outbox(study.config.label), ignore_errors=True)
    storage.delete(name)
