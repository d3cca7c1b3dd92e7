"""A study, run from its plan."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from ...errors import FmsearchError
from ...locks import hold
from ...models.data import load_training
from ...models.families import FAMILIES
from ...models.kernels import kernels_for, kernels_to_go_on
from ...models.metrics import METRICS
from ...models.settings import Scoring
from ...models.split import split_rows
from ...tracking.reachability import check_reachable
from ..environment import here
from ..processes.fork_server import load_tensorflow_in_advance
from ..processes.signals import Interruption
from ..space.fit import check_fit, example_point
from ..space.space import Space
from ..storage.storage import open_storage
from ..storage.study_config import StudyConfig
from ..trainers.jobs import CheckJob, LoadJob, MetricJob, TrainerSetup
from ..trainers.pool import TrainerPool, run_job
from ..trainers.setup import trainer_setup
from ..trial import State
from .callback import StudyCallback
from .delete import delete_study
from .loop import Pool, StudyLoop, Summary
from .plan import Plan, check_plan
from .rename import complete_rename
from .retry import retry_failed

log = logging.getLogger(__name__)


def run_study(plan: Plan, callback: StudyCallback, pool: Pool = TrainerPool) -> Summary:
    """Run a study to its end, or go on with it.

    Args:
        plan: What to run.
        callback: Called as the study goes on.
        pool: Makes the trainers.

    Raises:
        FmsearchError: Something that the user can mend keeps it from running.
    """
    check_plan(plan)
    check_fit(plan.space, plan.data)
    labels = load_training(plan.data.prepared).labels
    plan.places.prepare()
    if not plan.offline:
        check_reachable(plan.places, or_offline=not (plan.fresh or plan.retry_failed))
    with (
        hold(plan.places.lock(plan.name), f"the study {plan.name!r}") as check_held,
        Interruption(check_held) as interruption,
    ):
        places = plan.places
        if plan.fresh:
            delete_study(places, plan.name)
        # What is refused below leaves no storage behind.
        storage = open_storage(places.storage, places.worker()) if places.has_storage else None
        known = storage.config(plan.name) if storage else None
        plan = _as_begun(plan, known)
        kernels = choose_kernels(plan.space, plan.joins or known)
        load_tensorflow_in_advance(kernels)
        split = split_rows(labels, plan.train_images)
        setup = replace(
            trainer_setup(plan.space, plan.data, (split, labels)),
            judged=plan.judged,
            keep_models=plan.keep_models != 0,
            checkpoint_every=plan.checkpoint_every,
        )
        _check_own_code(plan.space, setup, interruption)
        storage = storage or open_storage(places.storage, places.worker())
        config = replace(plan.config, versions=here(kernels).computing)
        study = storage.join(plan.joins) if plan.joins else storage.open_study(config)
        complete_rename(study, places, offline=plan.offline)
        if plan.retry_failed and retry_failed(study, storage, places):
            study = open_storage(places.storage, places.worker()).study(plan.name)
        if study.config.lag:
            study.check_run_nowhere_else()  # where others could join, that it is run by one
        return StudyLoop(
            plan, study, split=split, setup=setup, callback=callback, interruption=interruption,
            pool=pool,
        ).run()  # fmt: skip


def _as_begun(plan: Plan, known: StudyConfig | None) -> Plan:
    """Without a pruner, where a cross-validated study began so; once that was the default."""
    across_folds = plan.space.scoring is Scoring.CROSS_VALIDATION
    if not (known and known.pruner == "none" and across_folds and plan.strategy.pruner == "median"):
        return plan
    log.warning("%s began without a pruner, and goes on without", plan.name)
    return replace(plan, strategy=replace(plan.strategy, pruner="none"))


def check_outcome(summary: Summary) -> None:
    """See that not all finished trials have failed.

    Raises:
        FmsearchError: All have; it has the last one's reason.
    """
    finished = [trial for trial in summary.trials if trial.state.finished]
    if finished and all(trial.state is State.FAILED for trial in finished):
        raise FmsearchError(f"every trial failed, the last one: {finished[-1].reason}")


def choose_kernels(space: Space, known: StudyConfig | None) -> str:
    """The library with which a study computes; empty if TensorFlow is to choose.

    Args:
        space: Of the study.
        known: Its config in the storage; None if it is new.

    Raises:
        FmsearchError: The user's environment variables name none, or another one.
    """
    if known is None:
        return kernels_for(space.family.kernels)
    return kernels_to_go_on(known.kernels, f"the study {known.name!r}")


def _check_own_code(space: Space, setup: TrainerSetup, interruption: Interruption) -> None:
    """Try a user's own model and metric once.

    A trainer builds and saves the model, and another one loads it; one computes the metric.

    Raises:
        FmsearchError: The model cannot be built, saved or loaded, or does not fit the data; or the
            metric fails.
    """
    with TemporaryDirectory() as name:
        folder, checks = Path(name), list[tuple[str, CheckJob | LoadJob | MetricJob]]()
        if space.model not in FAMILIES:
            build = CheckJob(space.settings(example_point(space)), folder)
            checks += [(f"model: {space.model}", job) for job in (build, LoadJob(folder))]
        if space.metric not in METRICS:
            checks.append(("score.metric", MetricJob()))
        for what, job in checks:
            if error := run_job(job, setup, check_interrupted=interruption.check):
                raise FmsearchError(f"{what}: {error}")
