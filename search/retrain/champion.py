"""Registering: the best parameters are trained on all training images, as a model version."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ...errors import FmsearchError
from ...locks import hold
from ...models.checkpoint import Checkpoint
from ...models.settings import knows_its_length
from ...places import Places
from ...tracking.reachability import check_reachable
from ...tracking.registry import check_names, register_version
from ...tracking.run_record import (
    TAG_DATA,
    TAG_EPOCHS,
    TAG_SPACE,
    TAG_STUDY,
    TAG_TRIAL,
    RunRecord,
    Status,
)
from ...tracking.store import Store
from ..outbox import discard, is_whole, read_result
from ..processes.fork_server import load_tensorflow_in_advance
from ..runs.records import RunRecords
from ..runs.schema import FINAL
from ..runs.values import identity, result_metrics, training_params
from ..storage.stored_study import StoredStudy
from ..trainers.jobs import FinalJob
from ..trainers.messages import EpochDone
from ..trainers.pool import run_job
from ..trainers.setup import trainer_setup
from ..trial import Trial, training_seed

if TYPE_CHECKING:
    from mlflow.entities import Run

log = logging.getLogger(__name__)

OnEpoch = Callable[[EpochDone], None]


@dataclass(frozen=True, kw_only=True)
class Registered:
    """A model version and what it was made from.

    Attributes:
        name, version, alias: In the registry.
        trial: The trial whose parameters it has.
        test_accuracy: In [0, 1].
        test_loss: Mean categorical cross-entropy, in nats.
    """

    name: str
    version: str
    alias: str
    trial: Trial
    epochs: int
    test_accuracy: float
    test_loss: float


def register_best(
    stored: StoredStudy,
    run_records: RunRecords,
    places: Places,
    *,
    name: str,
    alias: str,
    epochs: int | None,
    checkpoint_every: float = 10.0,
    on_epoch: OnEpoch = lambda done: None,
) -> Registered:
    """Train a study's best parameters on all training images and register the model.

    The test images are evaluated once, after the training. A finished training is not done again;
    an interrupted one continues from its last checkpoint.

    Args:
        name, alias: In the registry.
        epochs: Number of epochs; None for as many as the best trial.
        checkpoint_every: Seconds between two checkpoints.
        on_epoch: Called after each epoch.

    Raises:
        FmsearchError: The study has no complete trial, the store cannot be reached, or the
            training failed.
    """
    study, best = run_records.study, _best(stored)
    check_names(name, alias)
    check_reachable(places)
    job = _job(run_records, places, best, epochs)
    what = f"registering from {study.name!r}"
    with hold(places.lock(f"{study.name}.register"), what) as check_held:
        store = Store(places)
        run = store.find(_identity(run_records, best, job.epochs))
        if run is not None and run.info.status != Status.FINISHED.value:
            run = None
        if run is None and not is_whole(job.folder):
            _train(job, run_records, checkpoint_every, on_epoch, check_held)
        with stored.ownership.shipping_lock():  # of many hosts one makes the run and the version
            if run is None:
                run = _ship(store, run_records, best, job)
            _clear(job)  # an earlier call may have stopped before this
            log.info("registering")
            metrics = run.data.metrics
            tags = {TAG_STUDY: study.name, "test_accuracy": f"{metrics['test_accuracy']:.4f}"}
            version = register_version(store, name, run.info.run_id, alias=alias, tags=tags)
    tested = {name: metrics[name] for name in ("test_accuracy", "test_loss")}
    return Registered(
        name=name, version=version, alias=alias, trial=best, epochs=job.epochs, **tested
    )


def _best(stored: StoredStudy) -> Trial:
    if best := stored.best():
        return best
    raise FmsearchError(f"the study {stored.config.name!r} has no complete trial yet")


def _train(
    job: FinalJob,
    run_records: RunRecords,
    checkpoint_every: float,
    on_epoch: OnEpoch,
    check_held: Callable[[], None],
) -> None:
    setup = trainer_setup(run_records.space, run_records.data)
    setup = replace(setup, checkpoint_every=checkpoint_every)
    load_tensorflow_in_advance()
    if error := run_job(job, setup, on_epoch=on_epoch, check_interrupted=check_held):
        raise FmsearchError(f"the final training failed: {error}")


def _ship(store: Store, run_records: RunRecords, best: Trial, job: FinalJob) -> Run:
    log.info("shipping the final model")
    run_id = store.ship(_record(run_records, best, job), _parent(store, run_records))
    return store.again(lambda: store.client.get_run(run_id))


def _clear(job: FinalJob) -> None:
    """Remove from disk the training of a run that is complete in the store."""
    discard(job.folder)
    Checkpoint(job.checkpoint, 0).remove()


def _job(run_records: RunRecords, places: Places, best: Trial, epochs: int | None) -> FinalJob:
    settings = run_records.space.settings(best.parameters)
    if epochs is None and knows_its_length(settings):  # a shorter schedule differs from the start
        epochs = int(settings["epochs"])
    elif epochs is None:  # as many as gave the score
        epochs = int(best.metrics.get("best_epoch", settings["epochs"]))
    del settings["epochs"]
    return FinalJob(
        settings=settings,
        seed=training_seed(run_records.study.seed, best.parameters, "final"),
        epochs=epochs,
        folder=places.home / "finals" / f"{run_records.study.label}-{best.number}-{epochs}",
    )


def _identity(run_records: RunRecords, best: Trial, epochs: int) -> dict[str, str]:
    about = {TAG_TRIAL: str(best.number), TAG_EPOCHS: str(epochs)}
    return identity(run_records.study, "final", **about)


def _parent(store: Store, run_records: RunRecords) -> str | None:
    run = store.find(identity(run_records.study, "study"))
    return None if run is None else str(run.info.run_id)


def _record(run_records: RunRecords, best: Trial, job: FinalJob) -> RunRecord:
    result = read_result(job.folder)
    heading = (
        f"{run_records.study.name}, trial {best.number} on all training images: "
        f"test accuracy {result.metrics['test_accuracy']:.4f}"
    )
    tags = {
        TAG_SPACE: run_records.space.name,
        TAG_DATA: run_records.data.sha256,
        **result.environment.tags,
    }
    made = run_records.artifacts.make(FINAL, entry=job.folder, result=result, heading=heading)
    return RunRecord(
        name=f"{run_records.study.name}-{best.number:04d}-final",
        identity=_identity(run_records, best, job.epochs),
        tags={**FINAL.tags_of(tags), **made.missing},
        params=training_params(result.settings, result.seed),
        metrics=result_metrics(result),
        status=Status.FINISHED,
        started_at=result.started_at,
        ended_at=result.finished_at,
        artifacts=made.folder,
        model=run_records.artifacts.model(job.folder, result),
    )
