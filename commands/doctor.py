"""`fmsearch doctor`: compares storage, outbox and MLflow, and repairs differences."""

from __future__ import annotations

import sys
from typing import Any

import click

from .options import existing_study, places_of, places_to_look_at, store_options
from .terminal import say


@click.command()
@click.argument("study", required=False)
@click.option("--fix", is_flag=True, help="Mend what can be mended from the other side.")
@store_options
def doctor(study: str | None, fix: bool, **store: Any) -> None:
    """Compare storage, outbox and MLflow; one line for each difference."""
    from ..search.doctor.doctor import examine
    from ..search.storage.storage import open_storage

    places = places_of(store) if fix else places_to_look_at(store)
    if study is None and not places.has_storage:
        say(f"no studies in {places.home} yet")
        return
    if study is None:
        names = open_storage(places.storage).names()
    else:
        names = [existing_study(places, study).config.name]
    mended = left = 0
    for found in examine(places, names, fix=fix):
        if found.shipped:
            say(f"{found.study}: {found.shipped} trials shipped from the outbox")
        if found.waiting is not None:
            waits = f"{found.waiting} trials wait" if found.waiting else "the study's run waits"
            say(f"{found.study}: {waits} in the outbox; `fmsearch sync` ships them")
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
