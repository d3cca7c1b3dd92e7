"""`fmsearch doctor`: compares storage, outbox and MLflow, and repairs differences."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from ..errors import FmsearchError
from . import completion
from .formats import format_options, say_rows
from .options import existing_study, places_of, places_to_look_at, store_options, where_looked
from .terminal import say

if TYPE_CHECKING:
    from ..places import Places
    from ..search.doctor.doctor import Finding
    from ..search.storage.study_config import StudyConfig


@click.command()
@click.argument("study", required=False, shell_complete=completion.studies)
@click.option("--fix", is_flag=True, help="Mend what can be mended from the other side.")
@click.option("--quick", is_flag=True, help="Believe files that are not empty; else read them all.")
@format_options
@store_options
def doctor(study: str | None, fix: bool, quick: bool, output: str | None, **store: Any) -> None:
    """Compare storage, outbox and MLflow; one line for each difference."""
    from ..search.doctor.doctor import examine
    from ..search.doctor.unknown import unknown_studies

    places = places_of(store) if fix else places_to_look_at(store)
    unknown: list[str] = []
    if study is None:
        known, damaged = _recorded(places)
        names = [config.name for config in known]
        unknown += [*damaged.values(), *unknown_studies(places, known, damaged)]
    else:
        names = [existing_study(places, study).config.name]
    examined = examine(places, names, fix=fix, quick=quick) if names else ()
    if output:
        left = _print_for_programs(unknown, examined, output)
    elif not names and not unknown:
        say(f"no studies yet in {where_looked(places)}")
        left = 0
    else:
        left = _say(unknown, examined, fix=fix)
    sys.exit(1 if left else 0)


def _print_for_programs(unknown: list[str], examined: Iterable[Finding], output: str) -> int:
    """Print a record for each difference; gives how many are left."""
    rows: list[dict[str, Any]] = [
        {"study": "", "trial": None, "what": line, "mended": False} for line in unknown
    ]
    for found in examined:
        for differences, is_mended in ((found.mended, True), (found.left, False)):
            rows += [
                {"study": one.study, "trial": one.trial, "what": one.what, "mended": is_mended}
                for one in differences
            ]
    say_rows(rows, output)
    return sum(not row["mended"] for row in rows)


def _say(unknown: list[str], examined: Iterable[Finding], *, fix: bool) -> int:
    """Print a line for each difference, and how many there are; gives how many are left."""
    for line in unknown:
        say(line)
    mended, left = 0, len(unknown)
    for found in examined:
        if found.shipped:
            say(f"{found.study}: {found.shipped} trials shipped from the outbox")
        if found.waiting is not None:
            waits = f"{found.waiting} trials wait" if found.waiting else "the study's run waits"
            say(f"{found.study}: {waits} in the outbox; `fmsearch sync` ships them")
        for folder, why in found.apart.items():
            say(f"{found.study}: {folder} is kept apart: {why}")
        for one in found.mended:
            say(f"mended: {one}")
        for one in found.left:
            say(f"cannot be mended: {one}" if fix else str(one))
        mended, left = mended + len(found.mended), left + len(found.left)
    if fix and mended:
        say(f"{mended} mended, {left or 'none'} left")
    elif not left:
        say("no differences")
    elif fix:
        say(f"{left} left")
    else:
        how_many = "1 difference" if left == 1 else f"{left} differences"
        say(f"{how_many}; `fmsearch doctor --fix` mends what can be mended")
    return left


def _recorded(places: Places) -> tuple[list[StudyConfig], dict[str, str]]:
    """The studies of the storage and, by name, what is wrong with records that cannot be read."""
    from ..search.storage.storage import open_storage

    known: list[StudyConfig] = []
    damaged: dict[str, str] = {}
    if not places.has_storage:
        return known, damaged
    storage = open_storage(places.storage)
    for name in storage.names():
        try:
            known.append(storage.study(name).config)
        except FmsearchError as error:
            damaged[name] = str(error)
    return known, damaged
