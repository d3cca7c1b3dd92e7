"""The commands of fmsearch; the only place that prints or exits."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from .errors import FmsearchError
from .full_disk import full_disk
from .option_types import Duration, KeepModels, Share
from .search.claims import HEARTBEAT
from .search.strategy import PRUNERS, SAMPLERS

if TYPE_CHECKING:
    from rich.table import Table

    from .search.job import EpochDone
    from .search.ledger import StudyLedger
    from .tracking.places import Places

# Heavy libraries are imported in the commands that need them: --help answers at once.

DEFAULT_HOME = Path("mlruns")
DEFAULT_PORT = 5000
WHOLE_LINES = 1000
WATCH_SECONDS = 2.0


class Commands(click.Group):
    """A group that shows what a user can mend as one line, and exits with 1, 2 or 130."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except KeyboardInterrupt:  # of which Click would make an empty line
            raise click.Abort from None

    def main(self, *arguments: Any, **options: Any) -> Any:
        try:
            sys.exit(super().main(*arguments, **{**options, "standalone_mode": False}))
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(error.exit_code)
        except click.ClickException as error:  # most of all wrong usage, whose code is 2
            _end(error.format_message(), error.exit_code)
        except FmsearchError as error:
            _end(str(error), 1)
        except click.Abort:
            _end("interrupted; the same command goes on from here", 130)
        except Exception as error:
            if not (line := full_disk(error)):
                raise
            _end(line, 1)


def _end(message: str, code: int) -> NoReturn:
    click.echo(f"fmsearch: {' '.join(message.split())}", err=True)
    sys.exit(code)


def program() -> NoReturn:
    """The console script: `main`, then out; taking TensorFlow to pieces would cost 1.6 s."""
    try:
        main()
        code: object = 0
    except SystemExit as ended:
        code = ended.code
    logging.shutdown()
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fmsearch")
@click.option("-v", "--verbose", is_flag=True, help="Say more about what is being done.")
def main(verbose: bool) -> None:
    """Search hyperparameters of Keras image classifiers and keep the evidence in MLflow.

    \b
    The three steps:
      fmsearch study --space mlp_grid       search, every trial in MLflow
      fmsearch ui                           browse
      fmsearch register --study mlp_grid    train the best on all images, register it
    """
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(levelname)s %(name)s: %(message)s",
        force=True,
    )
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.append(here)  # where people keep a model of their own


def store_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say where things are kept."""
    for option in reversed(
        [
            click.option(
                "--home",
                type=click.Path(file_okay=False, path_type=Path),
                default=DEFAULT_HOME,
                show_default=True,
                envvar="FMSEARCH_HOME",
                show_envvar=True,
                help="Folder of the embedded store, the outbox and the locks.",
            ),
            click.option(
                "--tracking-uri",
                envvar="MLFLOW_TRACKING_URI",
                show_envvar=True,
                metavar="URI",
                help="MLflow's server or database.  [default: SQLite in --home]",
            ),
            click.option(
                "--storage",
                envvar="FMSEARCH_STORAGE",
                show_envvar=True,
                metavar="URL",
                help="Database of studies and trials.  [default: SQLite in --home]",
            ),
            click.option(
                "--experiment",
                default="fmsearch",
                show_default=True,
                envvar="MLFLOW_EXPERIMENT_NAME",
                show_envvar=True,
                help="MLflow's experiment.",
            ),
        ]
    ):
        command = option(command)
    return command


checkpoint_option = click.option(
    "--checkpoint-every",
    type=Duration(),
    default="10s",
    show_default=True,
    metavar="TIME",
    help="How much training a crash may cost, at most; 0s: one epoch.",
)


def _places(options: dict[str, Any]) -> Places:
    from .tracking.places import Places

    return Places.of(
        options["home"], options["tracking_uri"], options["storage"], options["experiment"]
    )


def _print(table: Table) -> None:
    """On a terminal as wide as it is; elsewhere whole lines, for other programs to read."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console = Console(width=WHOLE_LINES)
    console.print(table)


def _existing_study(places: Places, name: str) -> StudyLedger:
    from .search.ledger import Ledger

    if not places.has_ledger:
        raise FmsearchError(f"no study {name!r}: there is no store in {places.home}")
    return Ledger(places.storage).study(name)


@main.command()
@click.argument("name", required=False)
def spaces(name: str | None) -> None:
    """List the search spaces, or print one as YAML, to copy and edit."""
    from .search.space_file import load_space, space_names

    if name is not None:
        click.echo(load_space(name).text, nl=False)
        return
    for known in space_names():
        space = load_space(known)
        points = "continuous" if math.isinf(space.size) else f"{space.size:,.0f} points"
        click.echo(f"{known}  ({points}, {space.model}, {space.engine})")
        click.echo(click.wrap_text(space.about, 79, "    ", "    "))


@main.command()
@click.option("--fetch", is_flag=True, help="Only find or download Fashion-MNIST, and verify it.")
@click.option(
    "--data",
    "spec",
    default="fashion-mnist",
    show_default=True,
    metavar="NAME|FILE.npz",
    help="The data set to show.",
)
def data(fetch: bool, spec: str) -> None:
    """Show a data set: where it is from, its hash, its classes."""
    from .models import fashion_mnist
    from .models.data import FASHION_MNIST, describe

    if fetch:
        fashion_mnist.fetch()
        click.echo(f"Fashion-MNIST is in {fashion_mnist.cache_folder()}, verified")
        return
    found = describe(spec)
    shape = " x ".join(map(str, found.image_shape))
    click.echo(f"name:     {found.name}")
    where = fashion_mnist.origin() if spec == FASHION_MNIST else found.spec
    click.echo(f"from:     {where}")
    click.echo(f"SHA-256:  {found.sha256}")
    click.echo(f"images:   {shape}, uint8")
    click.echo(f"{'class':<16} {'train':>7} {'test':>7}")
    for row in zip(found.class_names, found.train_counts, found.test_counts, strict=True):
        click.echo(f"{row[0]:<16} {row[1]:>7,} {row[2]:>7,}")
    click.echo(f"{'all':<16} {sum(found.train_counts):>7,} {sum(found.test_counts):>7,}")


@main.command()
@click.option(
    "--space",
    "spec",
    required=True,
    metavar="NAME|FILE.yaml",
    help="What to search: a built-in space (see `fmsearch spaces`) or your own file.",
)
@click.option("--name", help="Of the study.  [default: the space's name]")
@click.option(
    "--data",
    default="fashion-mnist",
    show_default=True,
    envvar="FMSEARCH_DATA",
    show_envvar=True,
    metavar="NAME|FILE.npz",
    help="fashion-mnist, or an .npz file with x_train, y_train, x_test and y_test.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    metavar="N",
    envvar="FMSEARCH_JOBS",
    show_envvar=True,
    help="Trainer processes, one core each.  [default: the usable cores]",
)
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
@click.option(
    "--timeout",
    type=Duration(),
    metavar="TIME",
    help="Begin no more trials after TIME: 90s, 20m, 2h.",
)
@click.option(
    "--target-score",
    type=Share(0, 1),
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
@click.option(
    "--offline",
    is_flag=True,
    help="Do without MLflow; results wait in the outbox for `fmsearch sync`.",
)
@store_options
def study(
    spec: str,
    name: str | None,
    data: str,
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
    yes: bool,
    heartbeat: int,
    offline: bool,
    **store: Any,
) -> None:
    """Run a study to its end, or go on with one that was interrupted."""
    from rich.console import Console

    from .models import fashion_mnist
    from .models.data import FASHION_MNIST, describe
    from .progress import StudyProgress, shown
    from .search.plan import Limits, Plan
    from .search.space_file import load_space
    from .search.space_reader import NAME
    from .search.strategy import choose_strategy
    from .search.study import run_study
    from .search.trainers import usable_cores

    space = load_space(spec)
    places = _places(store)
    name = name or space.name
    if not NAME.fullmatch(name):
        raise click.BadParameter(
            f"{name!r} must be 1 to 64 letters, digits, '_', '.' or '-'", param_hint="--name"
        )
    if data == FASHION_MNIST:
        fashion_mnist.fetch()
    if trials is not None and space.trials is None:
        raise FmsearchError(
            f"the space {space.name!r} is a grid, which tries every point: it has no --trials"
        )
    if reproducible and (timeout is not None or target_score is not None):
        raise FmsearchError(
            "--reproducible: when a study ends by --timeout or --target-score depends on its "
            "trainers' speed; use --trials"
        )
    if keep_models and len(space.objectives) > 1:
        raise FmsearchError(
            "--keep-models best:K ranks by the score alone, and this study has several objectives; "
            "use all or none"
        )
    if fresh and offline:
        raise FmsearchError("--fresh deletes runs in MLflow, which --offline does without")
    if fresh and not yes:
        _ask_to_delete(places, name)
    jobs = jobs or usable_cores()
    plan = Plan(
        space,
        name,
        describe(data),
        seed,
        jobs,
        train_images,
        places,
        offline,
        choose_strategy(space, sampler, pruner, reproducible=reproducible, jobs=jobs),
        Limits(trials or space.trials, timeout, target_score),
        enqueue == "published",
        keep_models,
        checkpoint_every,
        fresh,
        heartbeat,
    )
    console = Console()
    with StudyProgress(console, name) as progress:
        summary = run_study(plan, progress)
    best = summary.best
    if best is not None:
        values = ", ".join(f"{key}={shown(value)}" for key, value in best.parameters.items())
        click.echo(f"best: trial {best.number} with score {best.score:.5f} ({values})")
    if summary.waiting is None:
        click.echo(f"browse: fmsearch ui    register: fmsearch register --study {name}")
    else:
        click.echo(f"{summary.waiting} trials wait in the outbox; `fmsearch sync` ships them")


def _ask_to_delete(places: Places, name: str) -> None:
    from .search.ledger import Ledger

    ledger = Ledger(places.storage) if places.has_ledger else None
    if ledger is None or name not in [record.name for record in ledger.records()]:
        return
    if not sys.stdin.isatty():
        raise FmsearchError("--fresh asks before it deletes; where nobody can answer, add --yes")
    count = len(ledger.study(name).trials())
    if not click.confirm(f"delete the study {name!r}, its {count} trials and their runs?"):
        raise FmsearchError("nothing was deleted")


@main.command()
@click.argument("study", required=False)
@click.option("--watch", is_flag=True, help="Show it anew every two seconds, until Ctrl-C.")
@store_options
def status(study: str | None, watch: bool, **store: Any) -> None:
    """List the studies, or one study's trials: states, scores, what matters, what is running."""
    from .progress import overview_lines, studies_table, trials_table
    from .search.ledger import Ledger
    from .search.overview import overview

    places = _places(store)
    if study is not None:
        existing = _existing_study(places, study)
        while True:
            now = overview(existing)
            if watch:
                click.clear()
            for line in overview_lines(study, now):
                click.echo(line)
            _print(trials_table(now.trials))
            if not watch:
                return
            time.sleep(WATCH_SECONDS)
    if watch:
        raise click.UsageError("--watch wants the name of a study")
    if not places.has_ledger:
        click.echo(f"no studies in {places.home} yet")
        return
    ledger = Ledger(places.storage)
    rows = [(record.name, ledger.study(record.name).trials()) for record in ledger.records()]
    _print(studies_table(rows))


@main.command()
@store_options
def sync(**store: Any) -> None:
    """Ship to MLflow what waits in the outbox."""
    from .search.sync import sync_all

    places = _places(store)
    if not places.has_ledger:
        return
    for name, before, left in sync_all(places):
        click.echo(f"{name}: {before - (left or 0)} of {before} trials shipped")
        if left is not None:
            raise FmsearchError(f"MLflow did not take all of {name}; see above, and sync again")


@main.command()
@click.argument("study", required=False)
@click.option("--fix", is_flag=True, help="Mend what can be mended from the other side.")
@store_options
def doctor(study: str | None, fix: bool, **store: Any) -> None:
    """Compare ledger, outbox and MLflow; one line for each difference."""
    from .search.doctor import examine
    from .search.ledger import Ledger

    places = _places(store)
    if study is None and not places.has_ledger:
        click.echo(f"no studies in {places.home} yet")
        return
    if study is None:
        names = [record.name for record in Ledger(places.storage).records()]
    else:
        names = [_existing_study(places, study).record.name]
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


@main.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    envvar="FMSEARCH_UI_PORT",
    show_envvar=True,
    help="Where it listens, on 127.0.0.1.",
)
@store_options
def ui(port: int, **store: Any) -> None:
    """Open MLflow's UI on the store in use; Ctrl-C ends it."""
    from .tracking.places import shown
    from .tracking.ui import HOST, start_ui

    places = _places(store)
    if places.is_server:
        click.echo(f"the store in use is a server with its own UI: {shown(places.tracking_uri)}")
        return
    server = start_ui(places, port)
    click.echo(f"MLflow's UI: http://{HOST}:{port}  (Ctrl-C ends it)")
    try:
        code = server.wait()
    except KeyboardInterrupt:
        code = 0
    finally:
        server.terminate()
        server.wait()
    sys.exit(code)


@main.command()
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
    from .search.register import register_best
    from .search.sync import evidence_of

    places = _places(store)
    ledger = _existing_study(places, study)
    evidence = evidence_of(ledger.record)
    click.echo(f"training the best of {study} on all {sum(evidence.data.train_counts):,} images")
    done = register_best(
        ledger,
        evidence,
        places,
        name=model or evidence.data.name,
        alias=alias,
        epochs=epochs,
        checkpoint_every=checkpoint_every,
        on_epoch=_echo_epoch,
    )
    click.echo(f"trial {done.trial.number}, {done.epochs} epochs")
    click.echo(f"test accuracy {done.test_accuracy:.4f}, loss {done.test_loss:.4f}")
    click.echo(f"registered: models:/{done.name}/{done.version}, alias {done.alias}")


@main.command()
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
    from .search.recording import read_recording
    from .search.replay import replay as train_again
    from .tracking.store import Store

    recording = read_recording(Store(_places(store), create=False), run, spec)
    for line in recording.changed:
        click.echo(line)
    click.echo(f"training {recording.name} again")
    done = train_again(recording, _echo_epoch)
    if done.difference:
        click.echo(f"differs: {done.difference}")
        sys.exit(1)
    click.echo(f"identical: {done.compared} numbers of run {recording.name}")


def _echo_epoch(done: EpochDone) -> None:
    fold = f"fold {done.fold}/{done.folds} " if done.folds > 1 else ""
    click.echo(f"  {fold}epoch {done.epoch}/{done.epochs}")


if __name__ == "__main__":
    program()
