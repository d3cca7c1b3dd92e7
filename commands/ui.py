"""`fmsearch ui`: opens MLflow's UI on the store in use."""

from __future__ import annotations

import sys
from typing import Any

import click

from .options import places_of, store_options
from .terminal import say

DEFAULT_PORT = 5000


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
    from ..redaction import shown
    from ..search.processes.scratch import scratch_folder
    from ..tracking.ui import HOST, running_ui

    given = places_of(store)
    places = given.to_look_at(scratch_folder)
    if places.is_server:
        say(f"the store in use is a server with its own UI: {shown(places.tracking_uri)}")
        return
    with running_ui(places, port) as server:
        if places != given:
            say("the store may only be read: what is changed here, in a copy of its runs, is lost")
        say(f"MLflow's UI: http://{HOST}:{port}  (Ctrl-C ends it)")
        try:
            code = server.wait()
        except KeyboardInterrupt:
            code = 0
    sys.exit(code)
