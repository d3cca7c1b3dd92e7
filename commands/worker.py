"""`fmsearch worker`: joins a study that was begun elsewhere."""

from __future__ import annotations

from typing import Any

import click

from . import completion
from .option_types import Duration, Text
from .options import (
    checkpoint_option,
    existing_study,
    jobs_option,
    offline_option,
    places_of,
    store_options,
    subject,
    timeout_option,
)
from .study import carry_out


@click.command()
@subject("study", metavar="STUDY", what="The study to join.", complete=completion.studies)
@click.option(
    "--wait",
    type=Duration(),
    default="0s",
    show_default=True,
    metavar="TIME",
    help="How long to wait for the study to be there.",
)
@click.option(
    "--data",
    type=Text(),
    envvar="FMSEARCH_DATA",
    show_envvar=True,
    metavar="NAME|DIR|FILE",
    help="Where the study's data set is on this machine.  [default: where the study has it]",
)
@jobs_option
@timeout_option
@checkpoint_option
@offline_option
@store_options
def worker(
    study: str,
    wait: float,
    data: str | None,
    jobs: int | None,
    timeout: float | None,
    checkpoint_every: float,
    offline: bool,
    **store: Any,
) -> None:
    """Join a study from any machine, and work on it until it is complete.

    What is searched, and how, is as the study's storage has it.
    """
    from ..search.study.join import WorkerOptions, join, wait_for
    from ..search.trainers.pool import usable_cores

    places = places_of(store)
    options = WorkerOptions(
        places=places,
        data=data,
        jobs=jobs or usable_cores(),
        seconds=timeout,
        checkpoint_every=checkpoint_every,
        offline=offline,
    )
    wait_for(places, study, wait)
    carry_out(join(existing_study(places, study), options))
