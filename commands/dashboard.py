"""`fmsearch dashboard`: opens Optuna's dashboard on the studies."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import click

from ..errors import FmsearchError
from .option_types import Text
from .options import places_to_look_at, store_options, where_looked
from .terminal import say
from .ui import DEFAULT_PORT as PORT_OF_THE_UI

DEFAULT_PORT = 8080


@click.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    envvar="FMSEARCH_DASHBOARD_PORT",
    show_envvar=True,
    help="Where it listens, on 127.0.0.1.",
)
@click.option(
    "--ui",
    type=Text(),
    metavar="URL",
    help="MLflow's UI, to which links lead.  [default: the server's, or where `fmsearch ui` is]",
)
@store_options
def dashboard(port: int, ui: str | None, **store: Any) -> None:
    """Open Optuna's dashboard on the studies; Ctrl-C ends it.

    Studies and trials have links to their runs in MLflow; of an embedded store these work while
    `fmsearch ui` runs. Notes can be written; nothing else can be changed.
    """
    from ..redaction import shown
    from ..search.dashboard import HOST
    from ..search.dashboard import dashboard as running

    places = places_to_look_at(store)
    if not places.has_storage:
        raise FmsearchError(f"there is no store in {where_looked(places)}")
    default = shown(places.tracking_uri) if places.is_server else f"http://{HOST}:{PORT_OF_THE_UI}"
    with running(places, port, (ui or default).rstrip("/")) as server:
        say(f"open http://{HOST}:{port}  (Ctrl-C ends it)")
        with suppress(KeyboardInterrupt):
            server.serve_forever()
