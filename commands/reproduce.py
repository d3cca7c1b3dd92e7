"""`fmsearch reproduce`: does the published experiments again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from .data_set import data_options, data_set
from .options import (
    checkpoint_option,
    jobs_option,
    places_of,
    store_options,
)
from .terminal import make_console, make_table, print_table, say

if TYPE_CHECKING:
    from ..search.reproduction.outcomes import Outcomes
    from ..search.trainers.jobs import FinalJob
    from .progress import ModelsProgress, StudyProgress


@click.command()
@click.option(
    "--only",
    multiple=True,
    metavar="ID",
    help="Only this experiment; give it several times for several.  [default: all]",
)
@click.option(
    "--seeds",
    type=click.IntRange(1, 1000),
    metavar="K",
    help="Runs of each experiment.  [default: 5 of perceptrons, 3 of convolutional networks]",
)
@click.option("--name", default="reproduce", show_default=True, help="Of this reproduction.")
@data_options
@jobs_option
@click.option(
    "--train-images", type=click.IntRange(1), metavar="N", help="Use only N images, to rehearse."
)
@click.option(
    "--epochs", type=click.IntRange(1), metavar="E", help="Train no longer than E, to rehearse."
)
@checkpoint_option
@store_options
def reproduce(
    only: tuple[str, ...],
    seeds: int | None,
    name: str,
    data: str,
    image_size: str | None,
    jobs: int | None,
    train_images: int | None,
    epochs: int | None,
    checkpoint_every: float,
    **store: Any,
) -> None:
    """Do the published experiments again and hold the results against what was published.

    Perceptrons, both grid searches and convolutional networks, each with several seeds; each final
    model meets the test images once. What is interrupted goes on with the same command. The report
    stands in MLflow: reproduction.md and reproduction.html of the run that has this one's name.
    """
    from ..search.reproduction.catalogue import load_catalogue
    from ..search.reproduction.plan import ReproductionPlan
    from ..search.reproduction.reproduce import reproduce as run_reproduction
    from ..search.space.reader import NAME
    from ..search.trainers.pool import usable_cores

    if not NAME.fullmatch(name) or len(name) > 40:
        raise click.BadParameter(
            f"{name!r} must be 1 to 40 letters, digits, '_', '.' or '-'", param_hint="--name"
        )
    catalogue = load_catalogue(epochs)
    experiments = catalogue.select(only)
    places = places_of(store)
    plan = ReproductionPlan(
        name=name,
        data=data_set(data, image_size),
        places=places,
        jobs=jobs or usable_cores(),
        catalogue=catalogue,
        experiments=experiments,
        seeds=seeds,
        train_images=train_images,
        epochs=epochs,
        checkpoint_every=checkpoint_every,
    )
    begin = time.monotonic()
    outcomes = run_reproduction(plan, _Watch())
    _show(outcomes)
    minutes = (time.monotonic() - begin) / 60
    say(f"{minutes:.1f} min; the report: `fmsearch ui`, run {name}, reproduction.html")


class _Watch:
    """Shows the progress of a reproduction's studies and final models."""

    def study(self, name: str) -> StudyProgress:
        from .progress import StudyProgress

        return StudyProgress(make_console(), name)

    def models(self, jobs: Sequence[FinalJob], trained: int) -> ModelsProgress:
        from .progress import ModelsProgress

        return ModelsProgress(make_console(), jobs, trained)


def _show(outcomes: Outcomes) -> None:
    from ..search.reproduction.claims import check_claims
    from ..search.reproduction.table import HEADER, rows_of

    if outcomes.rehearsal:
        say(f"a rehearsal, with {outcomes.rehearsal}: its numbers say nothing")
    rows = (row.cells for row in rows_of(outcomes))
    print_table(make_table(HEADER, rows, wrapped=HEADER))
    for claim in check_claims(outcomes):
        say(f"{claim.text}: {claim.verdict}")
        say(click.wrap_text(claim.evidence, 100, "    ", "    "))
