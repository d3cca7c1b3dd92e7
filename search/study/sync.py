"""Shipping the results that earlier sessions left in the outbox."""

from __future__ import annotations

import glob
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from ...errors import FmsearchError
from ...locks import HeldError, hold
from ...models.data import describe, load_training
from ...models.split import split_rows
from ...places import Places
from ...redaction import shown
from ...tracking.reachability import check_reachable
from ...tracking.run_record import Status
from ..outbox import entries
from ..runs.records import RunRecords
from ..runs.shipping import Shipping, is_unshipped
from ..storage.storage import open_storage
from ..storage.stored_study import StoredStudy
from ..storage.study_config import StudyConfig
from ..trial import is_over
from .rename import complete_rename, is_renamed_in_part
from .resume import recover


def run_records_of(config: StudyConfig) -> RunRecords:
    """The `RunRecords` of a study in the storage.

    Raises:
        FmsearchError: The study's data set is missing or has changed.
    """
    data = describe(config.data)
    if data.sha256 != config.data_sha256:
        raise FmsearchError(f"{config.data} has changed since the study {config.name!r} began")
    split = split_rows(load_training(data.prepared).labels, config.train_images)
    return RunRecords(config, data, split)


@dataclass(frozen=True)
class Synced:
    """What `sync_all` did for one study.

    Attributes:
        study: The study's name; empty for results of none.
        trials: Number of trials that waited in the outbox.
        left: How many still wait, as returned by `Shipping.end`.
        holder: Id of the process that has the study's lock, if nothing was shipped for that reason.
        fault: What is wrong with the study's record, if nothing was shipped for that reason.
    """

    study: str
    trials: int = 0
    left: int | None = None
    holder: str = ""
    fault: str = ""


def unknown_outboxes(places: Places, known: Collection[str]) -> list[str]:
    """A line for each outbox with results of a study that the storage does not have.

    Args:
        places: Of the store.
        known: Labels of the studies that it has.
    """
    found = []
    ids = {id_ for label in known if (id_ := label.rpartition("-")[2])}
    for outbox in sorted(places.outbox("").glob("*")):
        is_known = outbox.name in known or outbox.name.rpartition("-")[2] in ids  # as renamed
        if not is_known and outbox.is_dir() and (left := entries(outbox)):
            found.append(
                f"{outbox} has {len(left)} results of a study that the storage "
                f"({shown(places.storage)}) does not have; put a backup of that in its place"
            )
    return found


def labels_of(places: Places, name: str) -> set[str]:
    """What may be the label of a study whose record is damaged, by the outboxes that are there."""
    return {one.name for one in places.outbox("").glob(f"{glob.escape(name)}-*")}


def sync_all(places: Places) -> Iterator[Synced]:
    """Ship what waits in the outboxes of all studies that are not running.

    Raises:
        FmsearchError: The store cannot be reached.
    """
    storage = open_storage(places.storage, places.worker())
    waiting, labels = [], set()
    for name in storage.names():
        try:
            study = storage.study(name)
        except FmsearchError as error:
            yield Synced(name, fault=str(error))
            labels |= labels_of(places, name)
            continue
        labels.add(study.config.label)
        if is_unshipped(places.outbox(study.config.label)) or is_renamed_in_part(study, places):
            waiting.append(study)
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
    for line in unknown_outboxes(places, labels):
        yield Synced("", fault=line)


def _sync(study: StoredStudy, places: Places) -> Synced:
    complete_rename(study, places)
    outbox = places.outbox(study.config.label)
    if not is_unshipped(outbox):
        return Synced(study.config.name)
    recover(study, outbox)
    count = len(entries(outbox))
    over = is_over(study.trials())
    left = ship(study, places, Status.FINISHED if over else Status.KILLED)
    return Synced(study.config.name, count, left)


def ship(study: StoredStudy, places: Places, status: Status, *, reopen: bool = False) -> int | None:
    """Ship what waits of a study, and end its run; the caller holds the study's lock.

    Args:
        status: The last status of the study's run.
        reopen: Whether that run is written anew if it has ended.

    Returns:
        What is left, as returned by `Shipping.end`.
    """
    shipping = Shipping(run_records_of(study.config), study, places, study.config.keep_models)
    shipping.begin(reopen=reopen)
    return shipping.end(status)
