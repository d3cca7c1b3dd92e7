"""`fmsearch sync`: ships to MLflow what waits in the outbox."""

from __future__ import annotations

import logging
from typing import Any

import click

from ..errors import FmsearchError
from .options import places_of, store_options
from .terminal import say

log = logging.getLogger(__name__)


@click.command()
@store_options
def sync(**store: Any) -> None:
    """Ship to MLflow what waits in the outbox."""
    from ..search.study.sync import sync_all

    places = places_of(store)
    if not places.has_storage and not places.outbox("").exists():
        return
    faults = []
    for one in sync_all(places):
        if one.fault:
            faults.append(one.fault)
            continue
        if one.holder:
            say(f"{one.study}: left to process {one.holder}, which is at it")
            continue
        shipped = one.trials - (one.left or 0)
        say(f"{one.study}: {shipped} of {one.trials} trials shipped")
        if one.left is not None:
            faults.append(f"MLflow did not take all of {one.study}; see above, and sync again")
    for more in faults[1:]:
        log.warning("%s", more)
    if faults:
        raise FmsearchError(faults[0])
