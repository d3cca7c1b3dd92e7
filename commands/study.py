"""`fmsearch study`: runs a study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..search.pruners import PRUNERS
from ..search.samplers import SAMPLERS
from ..search.storage.ownership import HEARTBEAT
from . import completion
from .data_set import data_options, data_set
from .option_types import KeepModels, Number, StudyName
from .options import (
    OF_THE_STORE,
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
    "--patience",
    type=click.IntRange(1),
    metavar="N",
    help="Begin no more trials once N have not improved the best by more than its standard error.  "
    "[default: the space's]",
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
    space: str, data: str, image_size: str | None, *, enqueue: str, yes: bool, **options: Any
) -> None:
    """Run a study to its end, or go on with one that was interrupted.

    SPACE is what to search: a built-in space, such as mlp_grid, or a YAML file of yours.

    Trainers compute convolutional networks with oneDNN, perceptrons with what TensorFlow takes
    by itself; FMSEARCH_KERNELS=onednn or eigen chooses otherwise, for a new study.
    """
    from ..search.space.load import load_space
    from ..search.study.make_plan import make_plan

    searched = load_space(space)
    places = places_of({name: options.pop(name) for name in OF_THE_STORE})
    found = data_set(data, image_size)
    plan = make_plan(searched, places, found, enqueue=enqueue == "published", **options)
    if plan.fresh and not yes:
        _ask_to_delete(places, plan.name)
    carry_out(plan)


def carry_out(plan: Plan) -> None:
    """Run a plan, and show its progress and its result.

    Raises:
        FmsearchError: What `run_study` raises, or all trials have failed.
    """
    from ..search.runs.tables import shown
    from ..search.study.run import check_outcome, run_study
    from ..search.study.stopping import possible_gain
    from .progress import StudyProgress
    from .tables import gain_line

    with StudyProgress(make_console(), plan.name) as progress:
        summary = run_study(plan, progress)
    best = summary.best
    if best is not None:
        values = ", ".join(f"{key}={shown(value)}" for key, value in best.parameters.items())
        say(f"best: trial {best.number} with score {best.score:.5f} ({values})")
    if not plan.space.traits.tries_every_point and (gain := possible_gain(summary.trials)):
        say(gain_line(gain))
    if summary.waiting is None:
        say(f"browse: fmsearch ui    register: fmsearch register --study {plan.name}")
    else:
        say(f"{summary.waiting} trials wait in the outbox; `fmsearch sync` ships them")
    check_outcome(summary)


def _ask_to_delete(places: Places, name: str) -> None:
    from ..search.storage.storage import open_storage

    storage = open_storage(places.storage) if places.has_storage else None
    if storage is not None and name in storage.names():
        ask_to_delete(storage.study(name), "--fresh")
