"""A study, run from its plan."""

from __future__ import annotations

from dataclasses import replace

from ..errors import FmsearchError
from ..models.data import load_training
from ..models.families import FAMILIES
from ..models.split import split_rows
from ..tracking.reachability import check_reachable
from .fresh import delete_study
from .interruption import Interruption
from .job import (
    CheckJob,
    JobFailed,
    TrainerDied,
    TrainerSetup,
)
from .ledger import Ledger
from .lock import hold
from .plan import Plan, check_fit, example_point
from .setup import trainer_setup
from .study_loop import Pool, StudyLoop, Summary
from .trainers import Trainers, load_tensorflow_in_advance, run_alone
from .watcher import Watcher


def run_study(plan: Plan, watcher: Watcher, pool: Pool = Trainers) -> Summary:
    """Run a study to its end, or go on with it.

    Args:
        plan: What to run.
        watcher: Hears how it goes on.
        pool: Makes the trainers.

    Raises:
        FmsearchError: Something that the user can mend keeps it from running.
    """
    check_fit(plan.space, plan.data)
    labels = load_training(plan.data.spec).labels
    plan.places.prepare()
    if not plan.offline:
        check_reachable(plan.places)
    with (
        hold(plan.places.lock(plan.name), f"the study {plan.name!r}"),
        Interruption() as interruption,
    ):
        load_tensorflow_in_advance()
        if plan.fresh:
            delete_study(plan.places, plan.name)
        split = split_rows(labels, plan.train_images)
        setup = replace(
            trainer_setup(plan.space, plan.data, split),
            judged=plan.judged,
            keep_models=plan.keep_models != 0,
            checkpoint_every=plan.checkpoint_every,
        )
        if plan.space.model not in FAMILIES:
            _check_model(plan, setup, interruption)
        places = plan.places
        ledger = Ledger(places.storage, places.worker())
        study = ledger.join(plan.joins) if plan.joins else ledger.open_study(plan.record)
        if study.record.lag:
            study.check_run_nowhere_else()  # where others could join, that it is run by one
        return StudyLoop(plan, study, split, setup, watcher, interruption, pool).run()


def _check_model(plan: Plan, setup: TrainerSetup, interruption: Interruption) -> None:
    """Let a trainer build a user's own model once.

    Raises:
        FmsearchError: It cannot be built, or does not fit the data.
    """
    space = plan.space
    job = CheckJob(space.settings(example_point(space)))
    ended = run_alone(job, setup, heed=interruption.heed)
    if isinstance(ended, JobFailed):
        raise FmsearchError(f"model: {space.model}: {ended.error}")
    if isinstance(ended, TrainerDied):
        raise FmsearchError(f"model: {space.model} ends its process when it is built ({ended})")
