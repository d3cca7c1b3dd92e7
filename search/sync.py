"""Shipping what earlier sessions left in the outbox."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import FmsearchError
from ..models.data import describe, load_training
from ..models.split import split_rows
from ..tracking.places import Places
from ..tracking.record import Status
from ..tracking.store import check_reachable
from .delivery import Delivery
from .evidence import Evidence
from .ledger import Ledger, StudyRecord
from .lock import hold
from .result import entries
from .space_file import read_space


def evidence_of(record: StudyRecord) -> Evidence:
    """The evidence maker of a recorded study.

    Raises:
        FmsearchError: Its data set is gone, or is not the one that it was.
    """
    data = describe(record.data)
    if data.sha256 != record.data_sha256:
        raise FmsearchError(f"{record.data} has changed since the study {record.name!r} began")
    split = split_rows(load_training(record.data).labels, record.train_images)
    return Evidence(record, read_space(record.space, record.name), data, split)


def sync_all(places: Places) -> Iterator[tuple[str, int, int]]:
    """Ship every study's waiting trials.

    Yields:
        For each study that had some: its name, how many there were, how many are left.

    Raises:
        FmsearchError: The store cannot be reached, or a study is being run.
    """
    folder = places.outbox("")
    waiting = {one.name: entries(one) for one in folder.glob("*") if entries(one)}
    if not waiting:
        return
    check_reachable(places)
    ledger = Ledger(places.storage)
    for name, found in waiting.items():
        study = ledger.study(name)
        with hold(places.lock(name), f"the study {name!r}"):
            delivery = Delivery(evidence_of(study.record), study, places)
            delivery.begin(reopen=False)
            over = all(trial.state.finished for trial in study.trials())
            yield name, len(found), delivery.end(Status.FINISHED if over else Status.KILLED)
