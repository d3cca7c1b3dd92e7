"""`fmsearch doctor`: compares storage, outbox and MLflow, and repairs differences."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from ..errors import FmsearchError
from . import completion
from .options import existing_study, places_of, places_to_look_at, store_options, where_looked
from .terminal import say

if TYPE_CHECKING:
    from ..places import Places
    from ..search.storage.study_config import StudyConfig


@click.command()
@click.argument("study", required=False, shell_complete=completion.studies)
@click.option("--fix", is_flag=True, help="Mend what can be mended from the other side.")
@click.option("--quick", is_flag=True, help="Believe files that are not empty; else read them all.")
@store_options
def doctor(study: str | None, fix: bool, quick: bool, **store: Any) -> None:
    """Compare storage, outbox and MLflow; one line for each difference."""
    from ..search.doctor.doctor import examine
    from ..search.doctor.unknown import unknown_studies

    places = places_of(store) if fix else places_to_look_at(store)
    mended = left = 0
    if study is None:
        known, damaged = _recorded(places)
        names = [config.name for config in known]
        for line in (*damaged.values(), *unknown_studies(places, known, damaged)):
            say(line)
            left += 1
        if not names and not left:
            say(f"no studies yet in {where_looked(places)}")
            return
    else:
        names = [existing_study(places, study).config.name]
    for found in examine(places, names, fix=fix, quick=quick) if names else ():
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
    sys.exit(1 if left else 0)


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
