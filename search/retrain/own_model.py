"""Registering a trial's own model: nothing is trained, and it meets the gate itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ...errors import FmsearchError
from ...locks import hold
from ...models.data import load_training
from ...places import Places
from ...tracking.reachability import check_reachable
from ...tracking.store import Store
from ...tracking.stored_models import copy_network, model_of
from ..outbox import read_result
from ..runs.records import RunRecords
from ..runs.values import metrics, trial_identity
from ..storage.stored_study import StoredStudy
from ..trainers.jobs import FinalJob
from ..trainers.setup import trainer_setup
from ..trial import Trial
from .champion import answers_of, do_jobs
from .choice import Choice
from .final_jobs import FinalJobs
from .gate import Answers
from .model_card import Origin, model_card
from .promotion import check_target, promote, read_answers
from .version import TESTED, Registered, enter

if TYPE_CHECKING:
    from mlflow.entities import Run


def register_own(
    stored: StoredStudy,
    run_records: RunRecords,
    places: Places,
    choice: Choice,
    *,
    name: str,
    alias: str,
    force: bool = False,
    on_job: Callable[[FinalJob], None] = lambda job: None,
) -> Registered:
    """Register the model that a trial has left in its run, and let it meet the gate.

    No trial was trained or scored on gate images, so that the model itself answers to them. The
    test images are evaluated once.

    Args:
        choice: The trial.
        name, alias, force: As `promote` takes them.
        on_job: Called before the model answers to the gate images, and to the test images.

    Raises:
        FmsearchError: The trial has no model, the store is away, or the model does not answer.
    """
    check_target(name, alias)
    check_reachable(places)
    study, trial = run_records.study, choice.trial
    store = Store(places)
    run = _run(store, run_records, trial)
    parts = run_records.split, load_training(run_records.data.prepared).labels
    images = len(trainer_setup(study.space, run_records.data, parts).folds[0].train)
    origin = Origin(study, run_records.data, trial, choice.why, images)
    jobs = FinalJobs.of(run_records, places, trial, None, is_own=True)
    lock, what = places.lock(f"{study.name}.register"), f"registering from {study.name!r}"
    with hold(lock, what) as check_held:
        answers = read_answers(store, run.info.run_id) if _is_tested(run) else None
        if answers is None:
            jobs.own.parent.mkdir(parents=True, exist_ok=True)
            copy_network(store, run, jobs.own)
            do_jobs(run_records, 0.0, on_job, lambda done: None, check_held, jobs.trainings)
        with stored.ownership.shipping_lock():
            if answers is None:
                run, answers = _ship(store, run_records, origin, jobs, run)
            jobs.clear()
            fight = partial(promote, store, places, name, alias=alias, force=force)
            return enter(store, name, origin, run, answers, jobs.epochs, fight)


def _is_tested(run: Run) -> bool:
    return all(key in run.data.metrics for key in TESTED)


def _run(store: Store, run_records: RunRecords, trial: Trial) -> Run:
    """The trial's run, which has a model."""
    where = f"trial {trial.number} of {run_records.study.name!r}"
    if trial.duplicate_of is not None:
        raise FmsearchError(
            f"{where} repeats trial {trial.duplicate_of}, whose model it is; name that one"
        )
    run = store.find(trial_identity(run_records.study, trial.number))
    if run is None:
        raise FmsearchError(f"{where} is not in MLflow yet; `fmsearch sync` ships what is left")
    model_of(store, run)
    return run


def _ship(
    store: Store, run_records: RunRecords, origin: Origin, jobs: FinalJobs, run: Run
) -> tuple[Run, Answers]:
    """Add the answers, the model's card and the numbers of its test to the trial's run."""
    run_id, result = run.info.run_id, read_result(jobs.refit.folder)
    answers = answers_of(run_records, jobs)
    store.add_artifacts(run_id, jobs.artifacts(answers, model_card(origin, result)))
    numbers = metrics({key: result.metrics[key] for key in TESTED}, result.finished_at)
    model_id = str(model_of(store, run).model_id)
    with store.errors():
        store.log(
            run_id,
            metrics=numbers,
            params={},
            tags={},
            model_id=model_id,
            data=run_records.data_input,
        )
    return store.again(lambda: store.client.get_run(run_id)), answers
