"""Registering: the best trial's parameters, trained on all training images, as a model version."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import FmsearchError
from ..models.data import DataSet
from ..models.seeds import derive_seed
from ..tracking.places import Places
from ..tracking.record import (
    TAG_DATA,
    TAG_ROLE,
    TAG_SPACE,
    TAG_STUDY,
    TAG_TRIAL,
    RunRecord,
    Status,
)
from ..tracking.registry import register_version
from ..tracking.store import Store, check_reachable
from .evidence import Evidence, result_points, study_identity
from .job import EpochDone, FinalJob, JobDone, JobFailed, TrainerDied, TrainerSetup
from .ledger import StudyLedger
from .lock import hold
from .result import Result, read_result
from .trainers import Trainers, load_tensorflow_in_advance
from .trial import Trial, best_trial

OnEpoch = Callable[[EpochDone], None]


@dataclass(frozen=True)
class Registered:
    """A model version and what it was made from."""

    name: str
    version: str
    alias: str
    trial: Trial
    result: Result


def register_best(
    ledger: StudyLedger,
    evidence: Evidence,
    places: Places,
    *,
    name: str,
    alias: str,
    epochs: int | None,
    on_epoch: OnEpoch = lambda done: None,
) -> Registered:
    """Train a study's best parameters on all training images and register the model.

    The test images are evaluated once, after the training.

    Args:
        ledger, evidence: Of the study.
        places: Of the store.
        name: Of the registered model.
        alias: Given to the new version.
        epochs: How long to train; None for as long as the best trial.
        on_epoch: Hears each finished epoch.

    Raises:
        FmsearchError: The study has no complete trial, or the store cannot be reached.
    """
    study = evidence.study
    best = best_trial(ledger.trials())
    if best is None:
        raise FmsearchError(f"the study {study.name!r} has no complete trial yet")
    check_reachable(places)
    settings = evidence.space.settings(best.parameters)
    length = int(settings.pop("epochs")) if epochs is None else epochs
    settings.pop("epochs", None)
    folder = places.home / "finals" / f"{study.name}-{best.number:04d}-{length}-epochs"
    job = FinalJob(
        family=evidence.space.model,
        settings=settings,
        seed=derive_seed(study.seed, settings, "final"),
        epochs=length,
        folder=folder,
    )
    with hold(places.lock(f"{study.name}.register"), f"registering from {study.name!r}"):
        if not folder.exists():  # else trained before, but not registered: test images wait
            _train(job, evidence.data, on_epoch)
        result = read_result(folder)
        store = Store(places)
        run_id = store.ship(_record(evidence, best, job, result), _parent(store, study.name))
        version = register_version(
            store,
            name,
            run_id,
            alias,
            {TAG_STUDY: study.name, "test_accuracy": f"{result.metrics['test_accuracy']:.4f}"},
        )
        shutil.rmtree(folder)
    return Registered(name, version, alias, best, result)


def _train(job: FinalJob, data: DataSet, on_epoch: OnEpoch) -> None:
    load_tensorflow_in_advance()
    with Trainers(1, TrainerSetup(data.spec, len(data.class_names), ())) as trainers:
        trainers.give(0, job)
        while True:
            for _, _, message in trainers.messages(timeout=1.0):
                if isinstance(message, EpochDone):
                    on_epoch(message)
                elif isinstance(message, JobDone):
                    return
                elif isinstance(message, JobFailed):
                    raise FmsearchError(f"the final training failed: {message.error}")
                elif isinstance(message, TrainerDied):
                    raise FmsearchError(
                        f"the trainer died (exit code {message.exit_code}); try again"
                    )


def _parent(store: Store, study: str) -> str | None:
    run = store.find(study_identity(study))
    return None if run is None else str(run.info.run_id)


def _record(evidence: Evidence, best: Trial, job: FinalJob, result: Result) -> RunRecord:
    heading = (
        f"{evidence.study.name}, trial {best.number} on all training images: "
        f"test accuracy {result.metrics['test_accuracy']:.4f}"
    )
    params = {key: str(value) for key, value in result.settings.items()}
    return RunRecord(
        name=f"{evidence.study.name}-{best.number:04d}-final",
        identity={
            TAG_STUDY: evidence.study.name,
            TAG_ROLE: "final",
            TAG_TRIAL: str(best.number),
            "fmsearch.epochs": str(job.epochs),
        },
        tags={TAG_SPACE: evidence.space.name, TAG_DATA: evidence.data.sha256},
        params={**params, "seed": str(result.seed)},
        points=result_points(result),
        status=Status.FINISHED,
        started_at=result.started_at,
        ended_at=time.time_ns() // 1_000_000,
        artifacts=evidence.draw(job.folder, result, heading),
        model=evidence.model(job.folder, result),
    )
