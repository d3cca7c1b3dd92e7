"""Deleting a study, for one that begins anew."""

from __future__ import annotations

import shutil

from ...places import Places
from ...tracking.run_record import TAG_ID, TAG_ROLE
from ...tracking.saved_views import delete_view
from ...tracking.store import Store
from ..storage.storage import open_storage


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
    for role in ("trial", "study"):
        store.delete_runs({TAG_ROLE: role, TAG_ID: study.config.id})
    delete_view(store, study.config.id)
    shutil.rmtree(places.outbox(study.config.label), ignore_errors=True)
    storage.delete(name)
