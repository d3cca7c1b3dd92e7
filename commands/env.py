"""`fmsearch env`: tells the shell, and with it MLflow and Optuna, where the store is."""

from __future__ import annotations

import shlex
from typing import Any

import click

from .options import places_of, store_options


@click.command()
@store_options
def env(**store: Any) -> None:
    """Print variables that tell a shell where the store is.

    After eval "$(fmsearch env)", MLflow's own programs, notebooks and this program find the store
    from any folder. Passwords in addresses are printed as they are.
    """
    places = places_of(store)
    variables = {
        "MLFLOW_TRACKING_URI": places.tracking_uri,
        "MLFLOW_EXPERIMENT_NAME": places.experiment,
        "FMSEARCH_STORAGE": places.storage,
        "FMSEARCH_HOME": str(places.home),
    }
    for name, value in variables.items():
        click.echo(f"export {name}={shlex.quote(value)}")  # not `say`, which hides passwords
