"""`fmsearch serve`: a registered model that answers over HTTP."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import click

from . import completion
from .option_types import Text
from .options import places_to_look_at, store_options
from .terminal import say

DEFAULT_PORT = 5001


@click.command()
@click.argument(
    "model",
    required=False,
    type=Text(),
    metavar="[NAME[@ALIAS|/VERSION]]",
    shell_complete=completion.models,
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    envvar="FMSEARCH_SERVE_PORT",
    show_envvar=True,
    help="Where it listens, on 127.0.0.1.",
)
@store_options
def serve(model: str | None, port: int, **store: Any) -> None:
    """Let a registered model answer over HTTP, on this machine; Ctrl-C ends it.

    Without a name it is the only registered model, without an alias or version its champion. It is
    MLflow's scoring server, with the packages that are installed here: POST images as JSON to
    /invocations; /ping says whether it is up. The version stays until the command is started
    again, whoever becomes champion.

    \b
      curl http://127.0.0.1:5001/invocations -H 'Content-Type: application/json' \\
           -d '{"inputs": [[…]], "params": {"class_names": true}}'
    """
    from ..tracking.loopback import HOST, listen
    from ..tracking.reachability import check_answers

    places = places_to_look_at(store)
    check_answers(places)
    with listen(port) as listening:  # before 4 s of loading
        from ..models import quiet_tensorflow  # noqa: F401  # without TensorFlow's messages
        from ..tracking.model_server import serve_model, warm_up
        from ..tracking.registered import load_registered
        from ..tracking.store import Store

        loaded = load_registered(Store(places, create=False), model)
        warm_up(loaded)
        say(f"{loaded.title} answers at http://{HOST}:{port}/invocations  (Ctrl-C ends it)")
        with suppress(KeyboardInterrupt):
            serve_model(loaded, listening)
