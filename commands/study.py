"""`fmsearch study`: runs a study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..errors import FmsearchError
from ..search.pruners import PRUNERS
from ..search.samplers import SAMPLERS
from ..search.storage.ownership import HEARTBEAT
from ..search.trial import State
from . import completion
from .data_set import data_options, data_set
from .option_types import KeepModels, Number, StudyName
from .options import (
    ask_to_delete,
    checkpoint_option,
    jobs_option,
    offline_option,
    places_of,
    store_options,
    subject,
    timeout_option,
)
from .terminal import make_console, say

if TYPE_CHECKING:
    from ..places import Places
    from ..search.study.plan import Plan


@click.command()
@subject(
    "space",
    metavar="SPACE",
    what="What to search: a built-in space (see `fmsearch spaces`) or a YAML file.",
    complete=completion.spaces,
)
@click.option("--name", type=StudyName(), help="Of the study.  [default: the space's name]")
@data_options
@jobs_option
@click.option("--seed", type=int, default=0, show_default=True, help="Of the whole study.")
@click.option(
    "--train-images", type=click.IntRange(1), metavar="N", help="Use only N images, to rehearse."
)
@click.option(
    "--trials",
    type=click.IntRange(1),
    metavar="N",
    help="End with N trials, earlier sessions included.  [default: the space's]",
)
@timeout_option
@click.option(
    "--target-score",
    type=Number(),
    metavar="SCORE",
    help="Begin no more trials once the best one has SCORE.",
)
@click.option(
    "--sampler", type=click.Choice(list(SAMPLERS)), help="Who proposes.  [default: the space's]"
)
@click.option(
    "--pruner",
    type=click.Choice(list(PRUNERS)),
    help="Who stops trials that look bad.  [default: the space's]",
)
@click.option(
    "--enqueue",
    type=click.Choice(["published", "nothing"]),
    default="published",
    show_default=True,
    help="What a new study begins with, before its sampler proposes.",
)
@click.option(
    "--reproducible",
    is_flag=True,
    help="Let the same command, with the same --jobs, give the same trials at any speed.",
)
@click.option(
    "--keep-models",
    type=KeepModels(),
    default="all",
    show_default=True,
    metavar="all|best:K|none",
    help="Whose models stay in the store.",
)
@checkpoint_option
@click.option(
    "--fresh",
    is_flag=True,
    help="Delete the study of that name and its runs, after a question, and start anew.",
)
@click.option(
    "--retry-failed",
    is_flag=True,
    help="Try the trials again that failed in earlier sessions, under their numbers.",
)
@click.option("--yes", is_flag=True, help="Answer that question with yes.")
@click.option(
    "--heartbeat",
    type=click.IntRange(1),
    default=HEARTBEAT,
    show_default=True,
    metavar="SECONDS",
    envvar="FMSEARCH_HEARTBEAT",
    show_envvar=True,
    help="With several workers on PostgreSQL: a dead one's trials are taken up after two of these.",
)
@offline_option
@store_options
def study(
    space: str,
    name: str | None,
    data: str,
    image_size: str | None,
    jobs: int | None,
    seed: int,
    train_images: int | None,
    trials: int | None,
    timeout: float | None,
    target_score: float | None,
    sampler: str | None,
    pruner: str | None,
    enqueue: str,
    reproducible: bool,
    keep_models: int | None,
    checkpoint_every: float,
    fresh: bool,
    retry_failed: bool,
    yes: bool,
    heartbeat: int,
    offline: bool,
    **store: Any,
) -> None:
    """Run a study to its end, or go on with one that was interrupted.

    SPACE is what to search: a built-in space, such as mlp_grid, or a YAML file of yours.

    Trainers compute convolutional networks with oneDNN, perceptrons with what TensorFlow takes
    by itself; FMSEARCH_KERNELS=onednn or eigen chooses otherwise, for a new study.
    """
    from ..search.engines.strategy import choose_strategy
    from ..search.space.load import load_space
    from ..search.study.plan import Limits, Plan, check_plan
    from ..search.trainers.pool import usable_cores

    searched = load_space(space)
    places = places_of(store)
    name = name or searched.name
    jobs = jobs or usable_cores()
    plan = Plan(
        space=searched,
        name=name,
        data=data_set(data, image_size),
        seed=seed,
        jobs=jobs,
        train_images=train_images,
        places=places,
        offline=offline,
        strategy=choose_strategy(searched, sampler, pruner, reproducible=reproducible, jobs=jobs),
        limits=Limits(trials or searched.trials, timeout, target_score),
        enqueue=enqueue == "published",
        keep_models=keep_models,
        checkpoint_every=checkpoint_every,
        fresh=fresh,
        retry_failed=retry_failed,
        heartbeat=heartbeat,
    )
    check_plan(plan)
    if fresh and not yes:
        _ask_to_delete(places, name)
    carry_out(plan)


def carry_out(plan: Plan) -> None:
    """Run a plan, and show its progress and its result.

    Raises:
        FmsearchError: What `run_study` raises, or all trials have failed.
    """
    from ..search.runs.tables import shown
    from ..search.study.run import run_study
    from .progress import StudyProgress

    with StudyProgress(make_console(), plan.name) as progress:
        summary = run_study(plan, progress)
    best = summary.best
    if best is not None:
        values = ", ".join(f"{key}={shown(value)}" for key, value in best.parameters.items())
        say(f"best: trial {best.number} with score {best.score:.5f} ({values})")
    if summary.waiting is None:
        say(f"browse: fmsearch ui    register: fmsearch register --study {plan.name}")
    else:
        say(f"{summary.waiting} trials wait in the outbox; `fmsearch sync` ships them")
    finished = [trial for trial in summary.trials if trial.state.finished]
    if finished and all(trial.state is State.FAILED for trial in finished):
        raise FmsearchError(f"every trial failed, the last one: {finished[-1].reason}")


def _ask_to_delete(places: Places, name: str) -> None:
    from ..search.storage.storage import open_storage

    storage = open_storage(places.storage) if places.has_storage else None
    if storage is not None and name in storage.names():
        ask_to_delete(storage.study(name), "--fresh")
