"""Shipping what earlier sessions left in the outbox."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...errors import FmsearchError
from ...locks import HeldError, hold
from ...models.data import describe, load_training
from ...models.split import split_rows
from ...places import Places
from ...tracking.reachability import check_reachable
from ...tracking.run_record import Status
from ..outbox import entries
from ..runs.records import RunRecords
from ..runs.shipping import Shipping, is_unshipped
from ..storage.storage import open_storage
from ..storage.stored_study import StoredStudy
from ..storage.study_config import StudyConfig
from ..trial import is_over
from .resume import recover


def run_records_of(config: StudyConfig) -> RunRecords:
    """What makes the run records of a study in the storage.

    Raises:
        FmsearchError: Its data set is gone, or is not the one that it was.
    """
    data = describe(config.data)
    if data.sha256 != config.data_sha256:
        raise FmsearchError(f"{config.data} has changed since the study {config.name!r} began")
    split = split_rows(load_training(config.data).labels, config.train_images)
    return RunRecords(config, data, split)


@dataclass(frozen=True)
class Synced:
    """What became of a study of which something waited.

    Attributes:
        study: Its name.
        trials: How many waited.
        left: What still waits, as `Shipping.end` tells it.
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
    studies = open_storage(places.storage, places.worker()).studies()
    waiting = [one for one in studies if is_unshipped(places.outbox(one.config.label))]
    if waiting:
        check_reachable(places)
    for study in waiting:
        name = study.config.name
        try:
            with hold(places.lock(name), f"the study {name!r}"):
                synced = _sync(study, places)
        except HeldError as error:
            synced = Synced(name, holder=error.holder)
        yield synced


def _sync(study: StoredStudy, places: Places) -> Synced:
    outbox = places.outbox(study.config.label)
    recover(study, outbox)
    count = len(entries(outbox))
    over = is_over(study.trials())
    left = ship(study, places, Status.FINISHED if over else Status.KILLED)
    return Synced(study.config.name, count, left)


def ship(study: StoredStudy, places: Places, status: Status, *, reopen: bool = False) -> int | None:
    """Ship what waits of a study that nobody runs, and end its run.

    Args:
        study, places: What to ship, and where to.
        status: In which its run ends.
        reopen: Whether that run is written anew if it has ended.

    Returns:
        What is left, as `Shipping.end` tells it.
    """
    shipping = Shipping(run_records_of(study.config), study, places, study.config.keep_models)
    shipping.begin(reopen=reopen)
    return shipping.end(status)
