"""Shipping what earlier sessions left in the outbox."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import FmsearchError
from ..models.data import describe, load_training
from ..models.split import split_rows
from ..tracking.places import Places
from ..tracking.reachability import check_reachable
from ..tracking.record import Status
from .delivery import Delivery, is_unshipped
from .evidence import Evidence
from .expected import is_over
from .ledger import Ledger
from .lock import HeldError, hold
from .recovery import recover
from .result import entries
from .space_file import read_space
from .study_ledger import StudyLedger
from .study_record import StudyRecord


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


@dataclass(frozen=True)
class Synced:
    """What became of a study of which something waited.

    Attributes:
        study: Its name.
        trials: How many waited.
        left: What still waits, as `Delivery.end` tells it.
        holder: The process that holds the study's lock; empty if none does.
    """

    study: str
    trials: int = 0
    left: int | None = None
    holder: str = ""


def sync_all(places: Places) -> Iterator[Synced]:
    """Ship what waits of every study that nobody runs.

    Raises:
        FmsearchError: The store cannot be reached.
    """
    ledger = Ledger(places.storage, places.worker())
    waiting = [record for record in ledger.records() if is_unshipped(places.outbox(record.label))]
    if waiting:
        check_reachable(places)
    for record in waiting:
        try:
            with hold(places.lock(record.name), f"the study {record.name!r}"):
                synced = _sync(ledger.study(record.name), places)
        except HeldError as error:
            synced = Synced(record.name, holder=error.holder)
        yield synced


def _sync(study: StudyLedger, places: Places) -> Synced:
    outbox = places.outbox(study.record.label)
    recover(study, outbox)
    count = len(entries(outbox))
    over = is_over(study.trials())
    left = ship(study, places, Status.FINISHED if over else Status.KILLED)
    return Synced(study.record.name, count, left)


def ship(study: StudyLedger, places: Places, status: Status, *, reopen: bool = False) -> int | None:
    """Ship what waits of a study that nobody runs, and end its run.

    Args:
        study, places: What to ship, and where to.
        status: In which its run ends.
        reopen: Whether that run is written anew if it has ended.

    Returns:
        What is left, as `Delivery.end` tells it.
    """
    delivery = Delivery(evidence_of(study.record), study, places, study.record.keep_models)
    delivery.begin(reopen=reopen)
    return delivery.end(status)
