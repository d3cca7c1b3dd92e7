"""Joining a study: a worker's plan, made from the study's config in the storage."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ...errors import FmsearchError
from ...models import fashion_mnist
from ...models.data import FASHION_MNIST, DataSet, describe, moved
from ...models.kernels import LIBRARIES, TENSORFLOWS, kernels_to_go_on
from ...places import Places
from ...redaction import shown
from ...tracking.reachability import check_reachable
from ...tracking.store import Store
from ..engines.strategy import Strategy
from ..environment import here
from ..processes.signals import Interruption
from ..runs.values import identity
from ..storage.storage import Storage, open_storage
from ..storage.stored_study import StoredStudy
from ..storage.study_config import StudyConfig
from .plan import Limits, Plan

LOOK_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class WorkerOptions:
    """The options of a worker; all others are the study's.

    Attributes:
        data: The data set on this machine, as in `--data`; None if it is where the study has it.
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
    """Wait until the storage has a study of that name, at most for `seconds`.

    Raises:
        KeyboardInterrupt: A signal came meanwhile.
    """
    deadline = time.monotonic() + seconds
    storage: Storage | None = None
    with Interruption() as interruption:
        while time.monotonic() < deadline:
            if storage is None and places.has_storage:
                storage = open_storage(places.storage)
            if storage is not None and name in storage.names():
                return
            time.sleep(LOOK_SECONDS)
            interruption.check()


def join(study: StoredStudy, options: WorkerOptions) -> Plan:
    """The plan of another worker of a study.

    Raises:
        FmsearchError: The study is for one coordinator; or the worker has other versions or data,
            or another MLflow store.
    """
    config = study.config
    if config.lag:
        raise FmsearchError(
            f"the study {config.name!r} is --reproducible, which is for one coordinator: `fmsearch "
            "study` goes on with it"
        )
    _check_versions(config)
    data = _data(config, options.data)
    if not options.offline:
        check_reachable(options.places, or_offline=True)
        _check_store(study, options.places)
    return Plan(
        space=config.space,
        name=config.name,
        data=data,
        seed=config.seed,
        jobs=options.jobs,
        train_images=config.train_images,
        places=options.places,
        offline=options.offline,
        strategy=Strategy(config.sampler, config.pruner),
        limits=Limits(config.trials, options.seconds, config.target_score, config.patience),
        enqueue=config.enqueue,
        keep_models=config.keep_models,
        checkpoint_every=options.checkpoint_every,
        heartbeat=config.heartbeat,
        joins=config,
    )


def _check_versions(config: StudyConfig) -> None:
    if not config.versions:
        raise FmsearchError(
            f"the study {config.name!r} was recorded by an earlier version of fmsearch, without "
            "what a worker needs; `fmsearch study` with its options adds that"
        )
    kernels = kernels_to_go_on(config.kernels, f"the study {config.name!r}")
    ours, theirs = here(kernels).computing, dict(config.versions)
    if config.kernels:  # an earlier version recorded what the user had written
        theirs[TENSORFLOWS] = LIBRARIES[config.kernels]
    differing = [
        f"{name} {theirs.get(name, 'none')} there, {ours.get(name, 'none')} here"
        for name in dict.fromkeys([*theirs, *ours])
        if theirs.get(name) != ours.get(name)
    ]
    if differing:
        raise FmsearchError(
            f"this worker's numbers would not be those of the study {config.name!r}: "
            f"{'; '.join(differing)}; install the same versions, and set the same variables"
        )


def _data(config: StudyConfig, where: str | None) -> DataSet:
    spec = moved(config.data, where)
    if spec == FASHION_MNIST:
        fashion_mnist.fetch()
    data = describe(spec)
    if data.sha256 != config.data_sha256:
        there, ours = config.data_sha256[:12], data.sha256[:12]
        raise FmsearchError(
            f"{spec} is not the data set of the study {config.name!r} (SHA-256 {there}… there, "
            f"{ours}… here); say with --data where that is"
        )
    return data


def _check_store(study: StoredStudy, places: Places) -> None:
    """Check that the worker's store has the study's run, if there is one yet."""
    run = study.attributes.run()
    if not run:
        return
    is_there = places.has_runs and Store(places, create=False).find(identity(study.config, "study"))
    if not is_there:
        raise FmsearchError(
            f"the run of the study {study.config.name!r} ({run}) is not in the experiment "
            f"{places.experiment!r} of MLflow at {shown(places.tracking_uri)}; set "
            "MLFLOW_TRACKING_URI to the store that has it"
        )
