"""`fmsearch register`: trains and registers the best model of a study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from . import completion
from .option_types import Text
from .options import (
    checkpoint_option,
    echo_epoch,
    existing_study,
    places_of,
    store_options,
    subject,
)
from .terminal import say

if TYPE_CHECKING:
    from ..places import Places
    from ..search.storage.stored_study import StoredStudy


@click.command()
@subject(
    "study",
    metavar="STUDY",
    what="Whose best trial.",
    complete=completion.studies,
    required=False,
)
@click.option("--trial", type=click.IntRange(0), metavar="N", help="This one instead of the best.")
@click.option(
    "--max-parameters",
    type=click.IntRange(1),
    metavar="N",
    help="The best one whose network has no more parameters.",
)
@click.option(
    "--model", type=Text(), metavar="NAME", help="Registered model.  [default: the data set's name]"
)
@click.option(
    "--alias", default="champion", show_default=True, help="Given to the version if it is better."
)
@click.option(
    "--epochs", type=click.IntRange(1, 10**6), help="Of the training.  [default: as the trial]"
)
@click.option("--force", is_flag=True, help="Give the alias to the version, better or not.")
@click.option(
    "--rollback", is_flag=True, help="Train nothing: give the alias back to whom it was taken from."
)
@checkpoint_option
@store_options
def register(
    study: str | None, model: str | None, alias: str, *, rollback: bool, **options: Any
) -> None:
    """Train the best trial's parameters on all training images and register the model.

    The new version must win its alias: a model that is trained in the same way, but without the
    gate images (a twelfth of the training images, on which no trial was scored), is compared on
    them with that of the version that has the alias. If it is better (McNemar's exact test, p <
    0.05), the new version gets the alias, else the alias `challenger`.

    The test images are evaluated once, when the training is over. A training that is cut off goes
    on with the same command.
    """
    places = places_of(options)
    if rollback:
        if model is None:
            raise click.UsageError("--rollback wants --model NAME")
        _roll_back(places, model, alias)
    elif study is None:
        raise click.UsageError("say which: STUDY, as the argument or by --study")
    else:
        _register(existing_study(places, study), places, model, alias, **options)


def _register(
    stored: StoredStudy,
    places: Places,
    model: str | None,
    alias: str,
    *,
    trial: int | None,
    max_parameters: int | None,
    epochs: int | None,
    force: bool,
    checkpoint_every: float,
    **_: Any,
) -> None:
    from ..search.retrain.champion import register_best
    from ..search.retrain.choice import choose
    from ..search.retrain.promotion import check_target
    from ..search.study.sync import run_records_of
    from ..search.trainers.jobs import FinalJob

    run_records = run_records_of(stored.config)
    name = model or run_records.data.name
    check_target(name, alias)
    chosen = choose(stored, number=trial, most_parameters=max_parameters)
    images = sum(run_records.data.train_counts)

    def begin(job: FinalJob) -> None:
        if job.gate is None:
            say(f"training trial {chosen.number} of {stored.config.name} on all {images:,} images")
        else:
            say(f"training its gate model, without {len(job.gate):,} of {images:,} images")

    done = register_best(
        stored,
        run_records,
        places,
        name=name,
        alias=alias,
        epochs=epochs,
        trial=chosen,
        force=force,
        checkpoint_every=checkpoint_every,
        on_training=begin,
        on_epoch=echo_epoch,
    )
    say(f"trial {done.trial.number}, {done.epochs} epochs")
    say(f"test accuracy {done.test_accuracy:.4f}, loss {done.test_loss:.4f}")
    got = done.promotion
    say(f"gate: {got.reason}")
    if got.alias != alias:
        say(f"{alias} stays where it is; --force gives it to the new version")
    say(f"registered: models:/{done.name}/{done.version}, alias {got.alias}")


def _roll_back(places: Places, model: str, alias: str) -> None:
    from ..search.retrain.promotion import roll_back
    from ..tracking.reachability import check_reachable
    from ..tracking.store import Store

    check_reachable(places)
    former, now = roll_back(Store(places, create=False), places, model, alias)
    say(f"{alias}: models:/{model}/{now} again, no longer version {former}")
