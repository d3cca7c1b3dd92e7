"""`fmsearch backup`: copies the store, which may be in use, into a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .options import places_of, store_options
from .terminal import say


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@store_options
def backup(folder: Path, **store: Any) -> None:
    """Copy the store into a new FOLDER: databases, outbox and artifacts.

    Studies may run meanwhile. What is on servers has to be backed up there.
    """
    from ..search.backup import back_up

    places = places_of(store)
    if not (places.has_storage or places.has_runs):
        say(f"no store in {places.home} yet")
        return
    say(f"{folder}: {', '.join(back_up(places, folder))}")
    if places.storage_file is None:
        say("the storage is on a server; back it up there")
    if places.runs_file is None:
        say("MLflow's runs are on a server; back them up there")
