"""What a shell offers where the name of a space, a study or a model is to come."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from .options import places_to_look_at

Found = list[CompletionItem]


def spaces(context: click.Context, parameter: click.Parameter, begun: str) -> Found:  # noqa: ARG001
    """The built-in spaces, and the YAML files of the folder; as Click calls it."""
    from ..search.space.load import space_names

    files = [str(path) for path in sorted(Path().glob("*.y*ml"))]
    return _beginning(begun, [*space_names(), *files])


def studies(context: click.Context, parameter: click.Parameter, begun: str) -> Found:  # noqa: ARG001
    """The studies of the store in use; none where it cannot be read."""
    from ..search.storage.storage import open_storage

    with suppress(Exception), context.scope(cleanup=False):  # a shell shows no error here
        places = places_to_look_at(context.params)
        if places.has_storage:
            return _beginning(begun, open_storage(places.storage).names())
    return []


def paths(context: click.Context, parameter: click.Parameter, begun: str) -> Found:  # noqa: ARG001
    """Files and folders, which the shell finds itself."""
    return [CompletionItem(begun, type="file")]


def models(context: click.Context, parameter: click.Parameter, begun: str) -> Found:  # noqa: ARG001
    """The registered models of an embedded store, and each with its aliases.

    MLflow itself would take seconds to load, and a server's answer may take longer.
    """
    with suppress(Exception), context.scope(cleanup=False):  # as above
        file = places_to_look_at(context.params).runs_file
        if file is not None and file.exists():
            with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as database:
                named = [name for (name,) in database.execute(_MODELS)]
                aliases = [f"{name}@{alias}" for name, alias in database.execute(_ALIASES)]
            return _beginning(begun, [*named, *aliases])
    return []


_MODELS = "SELECT name FROM registered_models ORDER BY name"
_ALIASES = "SELECT name, alias FROM registered_model_aliases ORDER BY name, alias"


def _beginning(begun: str, names: list[str]) -> Found:
    return [CompletionItem(name) for name in names if name.startswith(begun)]
