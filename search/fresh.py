"""Starting anew: a study is deleted, its runs as MLflow does it, who can restore them."""

from __future__ import annotations

import shutil

from ..tracking.places import Places
from ..tracking.record import TAG_ID, TAG_ROLE
from ..tracking.store import Store
from .ledger import Ledger


def delete_study(places: Places, name: str) -> None:
    """Delete a study, if there is one: its runs, what waits in the outbox, and its trials.

    What was registered stays. The ledger comes last, so that a call that is cut off can be
    repeated. The caller holds the study's lock.

    Args:
        places: Of the store.
        name: Of the study.

    Raises:
        FmsearchError: Another worker runs the study, or the store cannot be reached.
    """
    ledger = Ledger(places.storage, places.worker())
    if name not in [record.name for record in ledger.records()]:
        return
    study = ledger.study(name)
    study.check_run_nowhere_else()
    store = Store(places)
    for role in ("trial", "study"):
        store.delete_runs({TAG_ROLE: role, TAG_ID: study.record.id})
    shutil.rmtree(places.outbox(study.record.label), ignore_errors=True)
    ledger.delete(name)
