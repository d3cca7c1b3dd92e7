"""`fmsearch sync`: ships to MLflow what waits in the outbox."""

from __future__ import annotations

from typing import Any

import click

from ..errors import FmsearchError
from .options import places_of, store_options
from .terminal import say


@click.command()
@store_options
def sync(**store: Any) -> None:
    """Ship to MLflow what waits in the outbox."""
    from ..search.study.sync import sync_all

    places = places_of(store)
    if not places.has_storage:
        return
    fault = ""
    for one in sync_all(places):
        if one.fault:
            fault = fault or one.fault
            continue
        if one.holder:
            say(f"{one.study}: left to process {one.holder}, which is at it")
            continue
        shipped = one.trials - (one.left or 0)
        say(f"{one.study}: {shipped} of {one.trials} trials shipped")
        if one.left is not None:
            raise FmsearchError(
                f"MLflow did not take all of {one.study}; see above, and sync again"
            )
    if fault:
        raise FmsearchError(fault)
