"""`fmsearch studies`: lists the studies; renames, exports and deletes one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from ..errors import FmsearchError
from . import completion
from .formats import format_options
from .option_types import StudyName, Text
from .options import ask_to_delete, existing_study, places_of, places_to_look_at, store_options
from .status import list_studies
from .terminal import say


@click.group(invoke_without_command=True)
@format_options
@store_options
@click.pass_context
def studies(context: click.Context, /, output: str | None, **store: Any) -> None:
    """List the studies, as `fmsearch status` does; rename, export or delete one."""
    if context.invoked_subcommand is None:
        list_studies(places_to_look_at(store), output)
        return
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if source is ParameterSource.COMMANDLINE:
            option = f"--{output}" if parameter.name == "output" else parameter.opts[0]
            raise click.UsageError(f"{option} belongs behind {context.invoked_subcommand}")


existing = click.argument("study", type=Text(), shell_complete=completion.studies)


@studies.command()
@existing
@click.argument("name", type=StudyName())
@store_options
def rename(study: str, name: str, **store: Any) -> None:
    """Give STUDY another NAME, in the storage, on disk and in MLflow.

    Its results stay as they are; figures and logged models keep the name that they were made with.
    """
    from ..search.study.rename import rename_study

    places = places_of(store)
    existing_study(places, study)
    rename_study(places, study, name)
    say(f"{study} is called {name} now; `fmsearch study SPACE --name {name}` goes on with it")


@studies.command()
@existing
@click.argument("target", type=click.Path(path_type=Path))
@click.option(
    "--no-model", "with_model", flag_value=False, default=True, help="Leave out the best network."
)
@store_options
def export(study: str, target: Path, with_model: bool, **store: Any) -> None:
    """Write STUDY for other programs into TARGET, which is made.

    A TARGET named .json gets the study with all its trials, one named .csv a row for each trial,
    and any other one is a folder with both, the space, and the best trial's network for Keras.
    """
    from ..search.study.export import export_study

    places = places_to_look_at(store)
    written = export_study(existing_study(places, study), places, target, with_model=with_model)
    say(f"{target}: {', '.join(written)}" if target.is_dir() else f"{target} is written")


@studies.command()
@existing
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Even if a registered model with an alias is from it.")
@store_options
def delete(study: str, yes: bool, force: bool, **store: Any) -> None:
    """Delete STUDY: its trials for good, its runs into MLflow's bin, from which they come back.

    Registered models stay, with the runs that made them. `fmsearch studies export` keeps a copy.
    """
    from ..locks import hold
    from ..search.study.delete import delete_study, versions_in_use

    places = places_of(store)
    found = existing_study(places, study)
    with hold(places.lock(study), f"the study {study!r}"):
        if not force and (used := versions_in_use(places, found.config)):
            raise FmsearchError(
                f"{', '.join(used)} comes from the study {study!r}; --force deletes it nevertheless"
            )
        if not yes:
            ask_to_delete(found, "`fmsearch studies delete`")
        delete_study(places, study)
    say(f"{study} is deleted; its runs are in MLflow's bin")
