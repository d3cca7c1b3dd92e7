"""Starting anew: a study is deleted, its runs as MLflow does it, who can restore them."""

from __future__ import annotations

import shutil

from ..errors import FmsearchError
from ..tracking.places import Places
from ..tracking.record import TAG_ID, TAG_ROLE
from ..tracking.store import Store
from .ledger import Ledger
from .trial import State


def delete_study(places: Places, name: str, heartbeat: int) -> None:
    """Delete a study, if there is one: its runs, what waits in the outbox, and its trials.

    What was registered stays. The ledger comes last, so that a call that is cut off can be
    repeated. The caller holds the study's lock.

    Args:
        places: Of the store.
        name: Of the study.
        heartbeat: As in `Plan`.

    Raises:
        FmsearchError: Another worker runs the study, or the store cannot be reached.
    """
    ledger = Ledger(places.storage, places.worker(), heartbeat)
    if name not in [record.name for record in ledger.records()]:
        return
    study = ledger.study(name)
    study.take_back()
    if any(trial.state is State.RUNNING for trial in study.trials()):
        raise FmsearchError(f"the study {name!r} is being run by another worker; stop it first")
    store = Store(places)
    for role in ("trial", "study"):
        store.delete_runs({TAG_ID: study.record.id, TAG_ROLE: role})
    shutil.rmtree(places.outbox(study.record.label), ignore_errors=True)
    ledger.delete(name)
