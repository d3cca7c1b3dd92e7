"""`fmsearch doctor`: compares storage, outbox and MLflow, and repairs differences."""

from __future__ import annotations

import sys
from typing import Any

import click

from .options import existing_study, places_of, places_to_look_at, store_options, where_looked
from .terminal import say


@click.command()
@click.argument("study", required=False)
@click.option("--fix", is_flag=True, help="Mend what can be mended from the other side.")
@click.option("--quick", is_flag=True, help="Believe files that are not empty; else read them all.")
@store_options
def doctor(study: str | None, fix: bool, quick: bool, **store: Any) -> None:
    """Compare storage, outbox and MLflow; one line for each difference."""
    from ..search.doctor.doctor import examine
    from ..search.doctor.unknown import unknown_studies
    from ..search.storage.storage import open_storage

    places = places_of(store) if fix else places_to_look_at(store)
    mended = left = 0
    if study is None:
        storage = open_storage(places.storage) if places.has_storage else None
        names = storage.names() if storage else []
        known = [storage.study(name).config for name in names] if storage else []
        for line in unknown_studies(places, known):
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
