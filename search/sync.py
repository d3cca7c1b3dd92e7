"""Shipping what earlier sessions left in the outbox."""

from __future__ import annotations

from collections.abc import Iterator

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
from .lock import hold
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


def sync_all(places: Places) -> Iterator[tuple[str, int, int | None]]:
    """Ship what waits of every study.

    Yields:
        For each study of which something waits: its name, how many trials, and what is left as
        `Delivery.end` tells it.

    Raises:
        FmsearchError: The store cannot be reached, or a study is being run.
    """
    ledger = Ledger(places.storage, places.worker())
    waiting = [record for record in ledger.records() if is_unshipped(places.outbox(record.label))]
    if waiting:
        check_reachable(places)
    for record in waiting:
        with hold(places.lock(record.name), f"the study {record.name!r}"):
            study = ledger.study(record.name)
            outbox = places.outbox(record.label)
            recover(study, outbox)
            count = len(entries(outbox))
            over = is_over(study.trials())
            left = ship(study, places, Status.FINISHED if over else Status.KILLED)
            yield record.name, count, left


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
