"""Looking: at spaces, data sets, studies and runs."""

from __future__ import annotations

import math
import shutil
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from .options import existing_study, places_of, print_table, store_options

if TYPE_CHECKING:
    from ..search.storage.stored_study import StoredStudy

DEFAULT_PORT = 5000
WATCH_SECONDS = 2.0
MOST_LISTED = 200
"""Trials that are listed without `--all`; a table of 10,000 takes seconds to lay out."""
HEADING_LINES = 3
"""Of a table of trials: its names, a rule; and the line on which the cursor waits."""


@click.command()
@click.argument("name", required=False)
def spaces(name: str | None) -> None:
    """List the search spaces, or print one as YAML, to copy and edit."""
    from ..search.space.load import load_space, space_names

    if name is not None:
        click.echo(load_space(name).text, nl=False)
        return
    for known in space_names():
        space = load_space(known)
        points = "continuous" if math.isinf(space.size) else f"{space.size:,.0f} points"
        click.echo(f"{known}  ({points}, {space.model}, {space.engine})")
        click.echo(click.wrap_text(space.about, 79, "    ", "    "))


@click.command()
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
    from ..models import fashion_mnist
    from ..models.data import FASHION_MNIST, describe

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


@click.command()
@click.argument("study", required=False)
@click.option("--watch", is_flag=True, help="Show it anew every two seconds, until Ctrl-C.")
@click.option(
    "--all", "everything", is_flag=True, help=f"List all trials, not the latest {MOST_LISTED}."
)
@store_options
def status(study: str | None, watch: bool, everything: bool, **store: Any) -> None:
    """List the studies, or one study's trials: states, scores, what matters, what is running."""
    from ..search.storage.storage import Storage
    from ..search.study.status import overview
    from .tables import overview_lines, studies_table, trials_table

    places = places_of(store)
    if watch and everything:
        raise click.UsageError("--watch shows what the terminal holds; leave --all out")
    if study is not None:
        existing = existing_study(places, study)
        if watch:
            with suppress(KeyboardInterrupt):  # which is the way to end it
                while True:
                    _show_latest(study, existing)
                    time.sleep(WATCH_SECONDS)
            return
        most = None if everything else MOST_LISTED
        now = overview(existing, most)
        click.echo("\n".join(overview_lines(study, now)))
        print_table(trials_table(now, most))
        if most is not None and now.trials > most:
            click.echo("these are the latest trials; --all lists all", err=True)
        return
    for option, given in {"--watch": watch, "--all": everything}.items():
        if given:
            raise click.UsageError(f"{option} wants the name of a study")
    if not places.has_storage:
        click.echo(f"no studies in {places.home} yet")
        return
    storage = Storage(places.storage)
    rows = ((one.config.name, one.counts(), one.best()) for one in storage.studies())
    print_table(studies_table(rows))


def _show_latest(study: str, stored: StoredStudy) -> None:
    """As much as the terminal holds: how the study stands, and its latest trials."""
    from ..search.study.status import overview
    from .tables import overview_lines, trials_table

    width, height = shutil.get_terminal_size()
    now = overview(stored, height)
    lines = overview_lines(study, now)
    taken = sum(-(-len(line) // width) for line in lines) + HEADING_LINES
    click.clear()
    click.echo("\n".join(lines))
    print_table(trials_table(now, max(1, height - taken)))


@click.command()
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
    from ..places import shown
    from ..tracking.ui import HOST, start_ui

    places = places_of(store)
    if places.is_server:
        click.echo(f"the store in use is a server with its own UI: {shown(places.tracking_uri)}")
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the server must end with us
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
