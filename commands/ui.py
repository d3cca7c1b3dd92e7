"""`fmsearch ui`: opens MLflow's UI on the trials of a study."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from . import completion
from .option_types import Text
from .options import places_of, store_options
from .terminal import say

if TYPE_CHECKING:
    from ..places import Places

DEFAULT_PORT = 5000


@click.command()
@click.argument("study", required=False, type=Text(), shell_complete=completion.studies)
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
def ui(study: str | None, port: int, **store: Any) -> None:
    """Open MLflow's UI on a study's trials; Ctrl-C ends it.

    Its first page shows the trials of STUDY, the best first; without STUDY, those of the study that
    was begun last. MLflow's menu "Views" has a view of each study; the button with the curve
    turns the table into charts. Where a server has the store, its page is named.
    """
    from ..search.processes.scratch import scratch_folder
    from ..tracking.loopback import HOST
    from ..tracking.ui import running_ui, wait_until_up
    from ..tracking.ui_app import PATH

    given = places_of(store)
    places = given.to_look_at(scratch_folder)
    if places.is_server:
        where = _on_server(places, study)  # `say` would hide what stands behind the address's #
        click.echo(f"the store in use is a server with its own UI: {where}")
        return
    with running_ui(places, port, study) as server:
        if places != given:
            say("the store may only be read: what is changed here, in a copy of its runs, is lost")
        try:
            say("MLflow's UI is starting")
            if wait_until_up(server, port):
                say(f"open http://{HOST}:{port}{PATH}{quote(study or '')}  (Ctrl-C ends it)")
            code = server.wait()
        except KeyboardInterrupt:
            code = 0
    sys.exit(code)


def _on_server(places: Places, study: str | None) -> str:
    """The address of a study's trials in the UI of a server."""
    from ..redaction import shown
    from ..tracking.reachability import check_answers
    from ..tracking.store import Store
    from ..tracking.ui_app import study_address

    check_answers(places)
    store = Store(places, create=False)
    with store.errors():
        where = study_address(store.client, places.experiment, study or "")
    return f"{shown(places.tracking_uri)}/{where}"
