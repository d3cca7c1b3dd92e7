"""`fmsearch status`: lists studies, or one study's trials."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from ..errors import FmsearchError
from .options import existing_study, places_to_look_at, store_options, where_looked
from .terminal import print_table, say

if TYPE_CHECKING:
    from ..search.storage.stored_study import StoredStudy

WATCH_SECONDS = 2.0
MOST_LISTED = 200
"""Trials that are listed without `--all`: the layout of a table of 10,000 takes seconds."""
HEADING_LINES = 3
"""Lines of a table of trials beside its rows: column names, a rule, and the cursor's line."""


@click.command()
@click.argument("study", required=False)
@click.option("--watch", is_flag=True, help="Show it anew every two seconds, until Ctrl-C.")
@click.option(
    "--all", "everything", is_flag=True, help=f"List all trials, not the latest {MOST_LISTED}."
)
@store_options
def status(study: str | None, watch: bool, everything: bool, **store: Any) -> None:
    """List the studies, or one study's trials: states, scores, what matters, what is running."""
    from ..search.storage.storage import open_storage
    from ..search.study.status import overview
    from .tables import overview_lines, studies_table, trials_table

    places = places_to_look_at(store)
    if watch and everything:
        raise click.UsageError("--watch shows what the terminal holds; leave --all out")
    if study is not None:
        existing = existing_study(places, study)
        if watch:
            with suppress(KeyboardInterrupt):  # Ctrl-C ends it
                while True:
                    _show_latest(study, existing)
                    time.sleep(WATCH_SECONDS)
            return
        most = None if everything else MOST_LISTED
        now = overview(existing, most)
        say("\n".join(overview_lines(study, now)))
        print_table(trials_table(now, most))
        if most is not None and now.trials > most:
            say("these are the latest trials; --all lists all", err=True)
        return
    for option, given in {"--watch": watch, "--all": everything}.items():
        if given:
            raise click.UsageError(f"{option} wants the name of a study")
    if not places.has_storage:
        say(f"no studies yet in {where_looked(places)}")
        return
    storage = open_storage(places.storage)
    rows, faults = [], []
    for name in storage.names():
        try:
            one = storage.study(name)
            rows.append((name, one.counts(), one.best()))
        except FmsearchError as error:  # the others can be shown
            faults.append(error)
    print_table(studies_table(rows))
    for fault in faults:
        raise fault


def _show_latest(study: str, stored: StoredStudy) -> None:
    """Show a study's status and as many of its latest trials as the terminal has lines for."""
    from ..search.study.status import overview
    from .tables import overview_lines, trials_table

    width, height = shutil.get_terminal_size()
    now = overview(stored, height)
    lines = overview_lines(study, now)
    taken = sum(-(-len(line) // width) for line in lines) + HEADING_LINES
    click.clear()
    say("\n".join(lines))
    print_table(trials_table(now, max(1, height - taken)))
