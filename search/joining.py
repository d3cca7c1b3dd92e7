"""Joining: the plan of a worker, made from what the ledger has of the study."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ..errors import FmsearchError
from ..models import fashion_mnist
from ..models.data import FASHION_MNIST, DataSet, describe
from ..tracking.inventory import store_exists
from ..tracking.places import Places, shown
from ..tracking.reachability import check_reachable
from ..tracking.store import Store
from .circumstances import here
from .expected import identity
from .interruption import Interruption
from .ledger import Ledger
from .plan import Limits, Plan
from .space_file import read_space
from .strategy import Strategy
from .study_ledger import StudyLedger
from .study_record import StudyRecord

LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class Share:
    """What a worker says for itself; the rest is the study's.

    Attributes:
        places: Where everything is kept.
        data: Where the data set is, as `--data` takes it; None for where the study has it.
        jobs, checkpoint_every, offline: As in `Plan`.
        seconds: As in `Limits`.
    """

    places: Places
    data: str | None
    jobs: int
    seconds: float | None
    checkpoint_every: float
    offline: bool


def wait_for(places: Places, name: str, seconds: float) -> None:
    """Return once the ledger has a study of that name, or when the time is over.

    Raises:
        KeyboardInterrupt: That was asked for meanwhile.
    """
    deadline = time.monotonic() + seconds
    ledger: Ledger | None = None
    with Interruption() as interruption:
        while time.monotonic() < deadline:
            if ledger is None and places.has_ledger:
                ledger = Ledger(places.storage)
            if ledger is not None and name in [record.name for record in ledger.records()]:
                return
            time.sleep(LOOK_SECONDS)
            interruption.heed()


def join(study: StudyLedger, share: Share) -> Plan:
    """The plan of one more worker of a study.

    Raises:
        FmsearchError: Its numbers would not be the study's, or its runs not among the study's.
    """
    record = study.record
    if record.lag:
        raise FmsearchError(
            f"the study {record.name!r} is --reproducible, which is for one coordinator: `fmsearch "
            "study` goes on with it"
        )
    _check_versions(record)
    data = _data(record, share.data)
    if not share.offline:
        check_reachable(share.places)
        _check_store(study, share.places)
    return Plan(
        read_space(record.space, f"the recorded space of {record.name!r}"),
        record.name,
        data,
        record.seed,
        share.jobs,
        record.train_images,
        share.places,
        share.offline,
        Strategy(record.sampler, record.pruner),
        Limits(record.trials, share.seconds, record.target_score),
        record.enqueue,
        record.keep_models,
        share.checkpoint_every,
        heartbeat=record.heartbeat,
        joins=record,
    )


def _check_versions(record: StudyRecord) -> None:
    if not record.versions:
        raise FmsearchError(
            f"the study {record.name!r} was recorded by an earlier version of fmsearch, without "
            "what a worker needs; `fmsearch study` with its options adds that"
        )
    ours = here().computing
    differing = [
        f"{name} {record.versions.get(name, 'none')} there, {ours.get(name, 'none')} here"
        for name in dict.fromkeys([*record.versions, *ours])
        if record.versions.get(name) != ours.get(name)
    ]
    if differing:
        raise FmsearchError(
            f"this worker's numbers would not be those of the study {record.name!r}: "
            f"{'; '.join(differing)}; install the same versions"
        )


def _data(record: StudyRecord, where: str | None) -> DataSet:
    spec = where or record.data
    if spec == FASHION_MNIST:
        fashion_mnist.fetch()
    data = describe(spec)
    if data.sha256 != record.data_sha256:
        there, ours = record.data_sha256[:12], data.sha256[:12]
        raise FmsearchError(
            f"{spec} is not the data set of the study {record.name!r} (SHA-256 {there}… there, "
            f"{ours}… here); say with --data where that is"
        )
    return data


def _check_store(study: StudyLedger, places: Places) -> None:
    """See that the worker's runs will stand beside the study's, if that has its own already."""
    run = study.notes.run()
    if not run:
        return
    is_there = store_exists(places) and Store(places, create=False).find(
        identity(study.record, "study")
    )
    if not is_there:
        raise FmsearchError(
            f"the run of the study {study.record.name!r} ({run}) is not in the experiment "
            f"{places.experiment!r} of MLflow at {shown(places.tracking_uri)}; set "
            "MLFLOW_TRACKING_URI to the store that has it"
        )
