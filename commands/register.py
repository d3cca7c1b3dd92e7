"""`fmsearch register`: trains and registers the best model of a study."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    from ..search.retrain.choice import Choice
    from ..search.runs.records import RunRecords
    from ..search.storage.stored_study import StoredStudy
    from ..search.trainers.jobs import FinalJob
    from ..search.trial import Trial


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
    "--max-latency",
    type=click.FloatRange(0, min_open=True),
    metavar="MS",
    help="The best one whose network takes no longer for one image: measured here, in one thread, "
    "of one trial after another, the best first.",
)
@click.option(
    "--no-refit",
    is_flag=True,
    help="Train nothing: register the trial's own model, which meets the gate itself.",
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

    Of several objectives, the trial at the knee of the Pareto front is taken, unless a trial or a
    limit is named. While the study runs, what is complete is taken.

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
        _check_together(options)
        _register(existing_study(places, study), places, model, alias, **options)


def _check_together(options: Mapping[str, Any]) -> None:
    if options["trial"] is not None:
        for limit in ("max_parameters", "max_latency"):
            if options[limit] is not None:
                raise click.UsageError(f"--{limit.replace('_', '-')} and --trial: name one")
    if options["no_refit"] and options["epochs"] is not None:
        raise click.UsageError("--epochs is of a training, and --no-refit trains nothing")


def _register(
    stored: StoredStudy,
    places: Places,
    model: str | None,
    alias: str,
    *,
    epochs: int | None,
    no_refit: bool,
    force: bool,
    checkpoint_every: float,
    **limits: Any,
) -> None:
    from ..search.retrain.champion import register_best
    from ..search.retrain.own_model import register_own
    from ..search.retrain.promotion import check_target
    from ..search.study.sync import run_records_of

    run_records = run_records_of(stored.config)
    name = model or run_records.data.name
    check_target(name, alias)
    _say_what_runs(stored)
    choice = _choose(stored, run_records, **limits)
    say(f"trial {choice.trial.number} of {stored.config.name}: {choice.why}")
    what = (stored, run_records, places)
    if no_refit:
        done = register_own(
            *what,
            choice,
            name=name,
            alias=alias,
            force=force,
            on_job=_say_job(run_records, choice.trial),
        )
    else:
        done = register_best(
            *what,
            name=name,
            alias=alias,
            epochs=epochs,
            choice=choice,
            force=force,
            checkpoint_every=checkpoint_every,
            on_training=_say_job(run_records, choice.trial),
            on_epoch=echo_epoch,
        )
    say(f"trial {done.trial.number}, {done.epochs} epochs")
    say(f"test accuracy {done.test_accuracy:.4f}, loss {done.test_loss:.4f}")
    got = done.promotion
    say(f"gate: {got.reason}")
    if got.alias != alias:
        say(f"{alias} stays where it is; --force gives it to the new version")
    say(f"registered: models:/{done.name}/{done.version}, alias {got.alias}")


def _say_what_runs(stored: StoredStudy) -> None:
    counts = stored.counts()
    left = [f"{counts[one]} {one}" for one in ("running", "waiting") if counts.get(one)]
    if left and (complete := counts.get("complete")):
        name = stored.config.name
        say(f"{name} is not over ({', '.join(left)}): chosen from what is complete, {complete}")


def _choose(
    stored: StoredStudy,
    run_records: RunRecords,
    *,
    trial: int | None,
    max_parameters: int | None,
    max_latency: float | None,
    **_: Any,
) -> Choice:
    from ..search.retrain.choice import choose
    from ..search.retrain.latency import measure_latency

    def measure(one: Trial) -> float:
        seconds = measure_latency(run_records, one)
        say(f"  trial {one.number}, score {one.score:.4f}: {1000 * seconds:.3g} ms an image")
        return seconds

    return choose(
        stored,
        number=trial,
        most_parameters=max_parameters,
        most_seconds=None if max_latency is None else max_latency / 1000,
        seconds_of=measure,
    )


def _say_job(run_records: RunRecords, trial: Trial) -> Callable[[FinalJob], None]:
    images = sum(run_records.data.train_counts)

    def begin(job: FinalJob) -> None:
        if job.trained is not None:
            what = "test" if job.gate is None else f"{len(job.gate):,} gate"
            say(f"asking its model about the {what} images")
        elif job.gate is None:
            study = run_records.study.name
            say(f"training trial {trial.number} of {study} on all {images:,} images")
        else:
            say(f"training its gate model, without {len(job.gate):,} of {images:,} images")

    return begin


def _roll_back(places: Places, model: str, alias: str) -> None:
    from ..search.retrain.promotion import roll_back
    from ..tracking.reachability import check_reachable
    from ..tracking.store import Store

    check_reachable(places)
    former, now = roll_back(Store(places, create=False), places, model, alias)
    say(f"{alias}: models:/{model}/{now} again, no longer version {former}")
