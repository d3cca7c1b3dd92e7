"""Keeping: registering models, and seeing that the evidence is whole and true."""

from __future__ import annotations

import sys
from typing import Any

import click

from ..errors import FmsearchError
from .options import checkpoint_option, echo_epoch, existing_study, places_of, store_options


@click.command()
@click.option("--study", required=True, help="Whose best trial.")
@click.option("--model", metavar="NAME", help="Registered model.  [default: the data set's name]")
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
    from ..search.retrain.register import register_best
    from ..search.study.sync import run_records_of

    places = places_of(store)
    stored = existing_study(places, study)
    run_records = run_records_of(stored.config)
    click.echo(f"training the best of {study} on all {sum(run_records.data.train_counts):,} images")
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
    click.echo(f"trial {done.trial.number}, {done.epochs} epochs")
    click.echo(f"test accuracy {done.test_accuracy:.4f}, loss {done.test_loss:.4f}")
    click.echo(f"registered: models:/{done.name}/{done.version}, alias {done.alias}")


@click.command()
@click.argument("run")
@click.option(
    "--data",
    "spec",
    metavar="NAME|FILE.npz",
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
    from ..tracking.store import Store

    recorded = read_recorded_training(Store(places_of(store), create=False), run, spec)
    for line in recorded.changed:
        click.echo(line)
    click.echo(f"training {recorded.name} again")
    done = train_again(recorded, echo_epoch)
    if done.difference:
        click.echo(f"differs: {done.difference}")
        sys.exit(1)
    click.echo(f"identical: {done.compared} numbers of run {recorded.name}")


@click.command()
@store_options
def sync(**store: Any) -> None:
    """Ship to MLflow what waits in the outbox."""
    from ..search.study.sync import sync_all

    places = places_of(store)
    if not places.has_storage:
        return
    for one in sync_all(places):
        if one.holder:
            click.echo(f"{one.study}: left to process {one.holder}, which is at it")
            continue
        shipped = one.trials - (one.left or 0)
        click.echo(f"{one.study}: {shipped} of {one.trials} trials shipped")
        if one.left is not None:
            raise FmsearchError(
                f"MLflow did not take all of {one.study}; see above, and sync again"
            )


@click.command()
@click.argument("study", required=False)
@click.option("--fix", is_flag=True, help="Mend what can be mended from the other side.")
@store_options
def doctor(study: str | None, fix: bool, **store: Any) -> None:
    """Compare storage, outbox and MLflow; one line for each difference."""
    from ..search.doctor.doctor import examine
    from ..search.storage.storage import Storage

    places = places_of(store)
    if study is None and not places.has_storage:
        click.echo(f"no studies in {places.home} yet")
        return
    if study is None:
        names = [config.name for config in Storage(places.storage).configs()]
    else:
        names = [existing_study(places, study).config.name]
    mended = left = 0
    for found in examine(places, names, fix=fix):
        if found.shipped:
            click.echo(f"{found.study}: {found.shipped} trials shipped from the outbox")
        if found.waiting is not None:
            waits = f"{found.waiting} trials wait" if found.waiting else "the study's run waits"
            click.echo(f"{found.study}: {waits} in the outbox; `fmsearch sync` ships them")
        for one in found.mended:
            click.echo(f"mended: {one}")
        for one in found.left:
            click.echo(f"cannot be mended: {one}" if fix else str(one))
        mended, left = mended + len(found.mended), left + len(found.left)
    if fix and mended:
        click.echo(f"{mended} mended, {left or 'none'} left")
    elif not left:
        click.echo("no differences")
    elif fix:
        click.echo(f"{left} left")
    else:
        how_many = "1 difference" if left == 1 else f"{left} differences"
        click.echo(f"{how_many}; `fmsearch doctor --fix` mends what can be mended")
    sys.exit(1 if left else 0)
