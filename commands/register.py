"""`fmsearch register`: trains and registers the best model of a study."""

from __future__ import annotations

from typing import Any

import click

from .option_types import Text
from .options import checkpoint_option, echo_epoch, existing_study, places_of, store_options
from .terminal import say


@click.command()
@click.option("--study", required=True, help="Whose best trial.")
@click.option(
    "--model", type=Text(), metavar="NAME", help="Registered model.  [default: the data set's name]"
)
@click.option("--alias", default="champion", show_default=True, help="Given to the new version.")
@click.option(
    "--epochs", type=click.IntRange(1, 10**6), help="Of the training.  [default: as the best trial]"
)
@checkpoint_option
@store_options
def register(
    study: str,
    model: str | None,
    alias: str,
    epochs: int | None,
    checkpoint_every: float,
    **store: Any,
) -> None:
    """Train the best trial's parameters on all training images and register the model.

    The test images are evaluated once, when the training is over. A training that is cut off goes
    on with the same command.
    """
    from ..search.retrain.champion import register_best
    from ..search.study.sync import run_records_of

    places = places_of(store)
    stored = existing_study(places, study)
    run_records = run_records_of(stored.config)
    say(f"training the best of {study} on all {sum(run_records.data.train_counts):,} images")
    done = register_best(
        stored,
        run_records,
        places,
        name=model or run_records.data.name,
        alias=alias,
        epochs=epochs,
        checkpoint_every=checkpoint_every,
        on_epoch=echo_epoch,
    )
    say(f"trial {done.trial.number}, {done.epochs} epochs")
    say(f"test accuracy {done.test_accuracy:.4f}, loss {done.test_loss:.4f}")
    say(f"registered: models:/{done.name}/{done.version}, alias {done.alias}")
