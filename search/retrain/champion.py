"""Registering: the best parameters are trained on all training images, as a model version."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ...errors import FmsearchError
from ...locks import hold
from ...models.kernels import kernels_to_go_on
from ...places import Places
from ...tracking.reachability import check_reachable
from ...tracking.run_record import (
    TAG_DATA,
    TAG_EPOCHS,
    TAG_SPACE,
    TAG_TRIAL,
    RunRecord,
    Status,
)
from ...tracking.store import Store
from ..outbox import PREDICTED, is_whole, read_result
from ..processes.fork_server import load_tensorflow_in_advance
from ..runs.records import RunRecords
from ..runs.schema import FINAL
from ..runs.values import identity, result_metrics, training_params
from ..storage.stored_study import StoredStudy
from ..trainers.jobs import FinalJob
from ..trainers.messages import EpochDone
from ..trainers.pool import run_jobs
from ..trainers.setup import trainer_setup
from ..trial import Trial
from .choice import Choice, choose
from .final_jobs import FinalJobs
from .gate import GATE, Answers
from .model_card import MODEL_CARD, Origin, model_card
from .promotion import check_target, promote, read_answers
from .version import Registered, enter

if TYPE_CHECKING:
    from mlflow.entities import Run

log = logging.getLogger(__name__)

OnEpoch = Callable[[EpochDone], None]
OnTraining = Callable[[FinalJob], None]


def register_best(
    stored: StoredStudy,
    run_records: RunRecords,
    places: Places,
    *,
    name: str,
    alias: str,
    epochs: int | None,
    choice: Choice | None = None,
    force: bool = False,
    checkpoint_every: float = 10.0,
    on_training: OnTraining = lambda job: None,
    on_epoch: OnEpoch = lambda done: None,
) -> Registered:
    """Train a trial's parameters on all training images, register the model, let it meet the gate.

    There its gate model, trained first, meets that of the version that has the alias. The test
    images are evaluated once. What was interrupted is not begun anew.

    Args:
        name, alias, force: As `promote` takes them.
        epochs, choice: None for as many as the trial, and for the best one.
        checkpoint_every: Seconds between two checkpoints.
        on_training, on_epoch: Called before each training, and after each epoch.

    Raises:
        FmsearchError: No trial is complete, the store is away, or a training failed.
    """
    study, choice = run_records.study, choice or choose(stored)
    chosen, origin = choice.trial, Origin(study, run_records.data, choice.trial, choice.why)
    check_target(name, alias)
    check_reachable(places)
    jobs = FinalJobs.of(run_records, places, chosen, epochs)
    lock, what = places.lock(f"{study.name}.register"), f"registering from {study.name!r}"
    with hold(lock, what) as check_held:
        train = partial(do_jobs, run_records, checkpoint_every, on_training, on_epoch, check_held)
        store = Store(places)
        run, answers = _earlier(store, run_records, chosen, jobs.epochs)
        if answers is None:
            train(jobs.trainings if run is None else jobs.gate_trainings)
        with stored.ownership.shipping_lock():  # of many hosts one makes the run and the version
            if run is None or answers is None:
                run, answers = _ship(store, run_records, origin, jobs, run)
            jobs.clear()  # an earlier call may have stopped before this
            fight = partial(promote, store, places, name, alias=alias, force=force)
            return enter(store, name, origin, run, answers, jobs.epochs, fight)


def _earlier(
    store: Store, run_records: RunRecords, trial: Trial, epochs: int
) -> tuple[Run | None, Answers | None]:
    """What the store has of an earlier call: the run if it is whole, and its gate model's answers,
    which one of a version that knew no gate lacks."""
    run = store.find(_identity(run_records, trial, epochs))
    if run is None or run.info.status != Status.FINISHED.value:
        return None, None
    return run, read_answers(store, run.info.run_id)


def do_jobs(
    run_records: RunRecords,
    checkpoint_every: float,
    on_training: OnTraining,
    on_epoch: OnEpoch,
    check_held: Callable[[], None],
    jobs: list[FinalJob],
) -> None:
    """Do what is not done yet, in a trainer; the parameters are those of `register_best`."""
    jobs = [job for job in jobs if not is_whole(job.folder)]
    if not jobs:
        return
    setup = trainer_setup(run_records.space, run_records.data)
    setup = replace(setup, checkpoint_every=checkpoint_every)
    study = run_records.study
    load_tensorflow_in_advance(kernels_to_go_on(study.kernels, f"the study {study.name!r}"))
    error = run_jobs(
        jobs, setup, on_job=on_training, on_epoch=on_epoch, check_interrupted=check_held
    )
    if error:
        raise FmsearchError(f"the final training failed: {error}")


def answers_of(run_records: RunRecords, jobs: FinalJobs) -> Answers:
    """What was answered to the gate images, by jobs that are done."""
    predicted = []
    if len(jobs.gate_rows):
        predicted = json.loads((jobs.gate.folder / PREDICTED).read_text("utf-8"))
    return Answers.of(run_records.data, jobs.gate_rows, predicted)


def _identity(run_records: RunRecords, trial: Trial, epochs: int) -> dict[str, str]:
    about = {TAG_TRIAL: str(trial.number), TAG_EPOCHS: str(epochs)}
    return identity(run_records.study, "final", **about)


def _ship(
    store: Store, run_records: RunRecords, origin: Origin, jobs: FinalJobs, run: Run | None
) -> tuple[Run, Answers]:
    """Make the run, or add the answers to the one that is there without them."""
    log.info("shipping the final model")
    answers = answers_of(run_records, jobs)
    if run is not None:
        store.add_artifacts(run.info.run_id, jobs.artifacts(answers))
        return run, answers
    record = _record(run_records, origin, jobs.refit, answers)
    study = store.find(identity(run_records.study, "study"))
    run_id = store.ship(record, None if study is None else str(study.info.run_id))
    return store.again(lambda: store.client.get_run(run_id)), answers


def _record(run_records: RunRecords, origin: Origin, job: FinalJob, answers: Answers) -> RunRecord:
    trial = origin.trial
    result = read_result(job.folder)
    heading = (
        f"{run_records.study.name}, trial {trial.number} on all training images: "
        f"test accuracy {result.metrics['test_accuracy']:.4f}"
    )
    tags = {
        TAG_SPACE: run_records.space.name,
        TAG_DATA: run_records.data.sha256,
        **result.environment.tags,
    }
    made = run_records.artifacts.make(FINAL, entry=job.folder, result=result, heading=heading)
    (made.folder / GATE).write_text(answers.text, "utf-8")
    (made.folder / MODEL_CARD).write_text(model_card(origin, result), "utf-8")
    return RunRecord(
        name=f"{run_records.study.name}-{trial.number:04d}-final",
        identity=_identity(run_records, trial, job.epochs),
        tags={**FINAL.tags_of(tags), **made.missing},
        params=training_params(result.settings, result.seed),
        metrics=result_metrics(result),
        status=Status.FINISHED,
        started_at=result.started_at,
        ended_at=result.finished_at,
        artifacts=made.folder,
        model=run_records.artifacts.model(job.folder, result),
        data=run_records.data_input,
    )
