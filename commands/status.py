"""`fmsearch status`: lists studies, or one study's trials."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from ..errors import FmsearchError
from . import completion
from .formats import format_options, say_json, say_rows
from .options import existing_study, places_to_look_at, store_options, where_looked
from .terminal import print_table, say

if TYPE_CHECKING:
    from ..places import Places
    from ..search.storage.stored_study import StoredStudy
    from ..search.study.status import StudySummary
    from .trial_table import Wanted

WATCH_SECONDS = 2.0
MOST_LISTED = 200
"""Trials that are listed without `--all`: the layout of a table of 10,000 takes seconds."""
HEADING_LINES = 3
"""Lines of a table of trials beside its rows: column names, a rule, and the cursor's line."""
OF_ONE_STUDY = ("--watch", "--all", "--columns", "--sort", "--top")


@click.command()
@click.argument("study", required=False, shell_complete=completion.studies)
@click.option("--watch", is_flag=True, help="Show it anew every two seconds, until Ctrl-C.")
@click.option(
    "--all", "everything", is_flag=True, help=f"List all trials, not the latest {MOST_LISTED}."
)
@click.option(
    "--columns",
    metavar="NAME,…",
    help="Show these columns: trial, state, score, std, seconds, reason, parameters, metrics.  "
    "[default: those in which trials differ]",
)
@click.option("--sort", metavar="NAME", help="Sort by this column; a score from the highest.")
@click.option("--top", type=click.IntRange(1), metavar="N", help="List the N best trials.")
@format_options
@store_options
def status(
    study: str | None,
    watch: bool,
    everything: bool,
    columns: str | None,
    sort: str | None,
    top: int | None,
    output: str | None,
    **store: Any,
) -> None:
    """List the studies, or one study's trials: states, scores, what matters, what is running."""
    from ..search.study.status import overview
    from .tables import overview_lines
    from .trial_table import Wanted, fitting_table

    given = (watch, everything, columns, sort, top)
    if study is None and any(given):
        option = next(name for name, one in zip(OF_ONE_STUDY, given, strict=True) if one)
        raise click.UsageError(f"{option} wants the name of a study")
    if watch and (everything or output or top or sort):
        raise click.UsageError("--watch shows what the terminal holds; leave the others out")
    places = places_to_look_at(store)
    if study is None:
        list_studies(places, output)
        return
    existing, wanted = existing_study(places, study), Wanted(columns, sort, top)
    if watch:
        with suppress(KeyboardInterrupt):  # Ctrl-C ends it
            while True:
                _show_latest(study, existing, wanted)
                time.sleep(WATCH_SECONDS)
        return
    if output:
        _print_for_programs(existing, output, wanted)
        return
    most = None if everything or sort or top else MOST_LISTED
    now = overview(existing, most)
    table = fitting_table(now, most, wanted)
    say("\n".join(overview_lines(study, now)))
    print_table(table)
    if most is not None and now.trials > most:
        say("these are the latest trials; --all lists all", err=True)


def list_studies(places: Places, output: str | None) -> None:
    """Print what studies there are, as a table or as `output` says."""
    from ..search.storage.storage import open_storage
    from ..search.study.status import summary
    from .tables import studies_table

    if not places.has_storage:
        say(
            "[]" if output == "json" else f"no studies yet in {where_looked(places)}",
            err=output == "csv",
        )
        return
    storage = open_storage(places.storage)
    found, faults = [], []
    for name in storage.names():
        try:
            found.append(summary(storage.study(name)))
        except FmsearchError as error:  # the others can be shown
            faults.append(error)
    if output:
        say_rows([_study_record(one) for one in found], output)
    else:
        print_table(studies_table(found))
    for fault in faults:
        raise fault


def _study_record(one: StudySummary) -> dict[str, Any]:
    """What other programs read of a study, in the order of the columns."""
    from ..search.space.score_words import scored_by
    from ..search.trial import DAMAGED, State

    counts = {name: one.counts.get(name, 0) for name in (*(s.value for s in State), DAMAGED)}
    return {
        "study": one.config.name,
        "space": one.config.space.name,
        "data": one.config.data,
        "data_sha256": one.config.data_sha256,
        "scored_by": scored_by(one.config.space),
        "state": one.progress.value,
        "trials": sum(counts.values()),
        **counts,
        "best_score": one.best.score if one.best else None,
        "best_trial": one.best.number if one.best else None,
        "last_end": one.last_end.isoformat(" ", "seconds") if one.last_end else None,
    }


def _print_for_programs(stored: StoredStudy, output: str, wanted: Wanted) -> None:
    from ..search.runs.tables import trials_csv
    from ..search.space.score_words import scored_by
    from ..search.study.export import trials_record
    from ..search.study.status import overview
    from .trial_table import arranged, trial_columns

    now = overview(stored)
    trials = arranged(now.latest, trial_columns(now.latest, now), wanted)
    if output == "csv":
        say(trials_csv(trials).rstrip("\n"))
        return
    scored = scored_by(stored.config.space)
    say_json({"study": stored.config.name, "scored_by": scored, **trials_record(now, trials)})


def _show_latest(study: str, stored: StoredStudy, wanted: Wanted) -> None:
    """Show a study's status and as many of its latest trials as the terminal has lines for."""
    from ..search.study.status import overview
    from .tables import overview_lines
    from .trial_table import fitting_table

    width, height = shutil.get_terminal_size()
    now = overview(stored, height)
    lines = overview_lines(study, now)
    taken = sum(-(-len(line) // width) for line in lines) + HEADING_LINES
    click.clear()
    say("\n".join(lines))
    print_table(fitting_table(now, max(1, height - taken), wanted))
