"""`fmsearch replay`: trains a run again and compares every number."""

from __future__ import annotations

import sys
from typing import Any

import click

from .option_types import Text
from .options import echo_epoch, places_to_look_at, store_options
from .terminal import say


@click.command()
@click.argument("run")
@click.option(
    "--data",
    "spec",
    type=Text(),
    metavar="NAME|DIR|FILE",
    help="Where the run's data set is now.  [default: where it was]",
)
@store_options
def replay(run: str, spec: str | None, **store: Any) -> None:
    """Train a run again from what it records and compare every number.

    RUN is the id or the name of a trial's or a final model's run, as MLflow shows it. Ends with 0
    if all numbers are identical, else with 1 and the first difference.
    """
    from ..search.retrain.recorded_training import read_recorded_training
    from ..search.retrain.replay import replay as train_again
    from ..tracking.reachability import check_answers
    from ..tracking.store import Store

    places = places_to_look_at(store)
    check_answers(places)
    recorded = read_recorded_training(Store(places, create=False), run, spec)
    for line in recorded.changed:
        say(line)
    say(f"training {recorded.name} again")
    done = train_again(recorded, echo_epoch)
    if done.difference:
        say(f"differs: {done.difference}")
        sys.exit(1)
    say(f"identical: {done.compared} numbers of run {recorded.name}")
