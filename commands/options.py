"""What several commands share: options, and the store that these name."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from ..errors import FmsearchError
from ..homes import DEFAULT_HOME, home_above
from ..places import working_folder
from .option_types import Duration, Folder, Text
from .terminal import say

if TYPE_CHECKING:
    from ..places import Places
    from ..search.storage.stored_study import StoredStudy
    from ..search.trainers.messages import EpochDone

# Slow imports are inside the functions, so that --help answers at once.

OF_THE_STORE = ("home", "tracking_uri", "storage", "experiment")
"""Names of the `store_options`."""

Command = Callable[..., None]
Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]
"""Gives what begins with a text, as `commands/completion.py` does."""


def subject(
    name: str, *, metavar: str, what: str, complete: Complete, required: bool = True
) -> Callable[[Command], Command]:
    """Let a command be given what it is about as its argument or, the same, by an option.

    Args:
        name: Of the option, and of the parameter that the command's function takes.
        metavar: What stands for it in the help.
        what: Help for the option.
        complete: What a shell offers.
        required: Whether the command is always about one.
    """

    def add(command: Command) -> Command:
        @wraps(command)
        def with_subject(argument: str | None, option: str | None, **others: Any) -> None:
            if required and argument is None and option is None:
                raise click.UsageError(f"say which: {metavar}, as the argument or by --{name}")
            if argument is not None and option not in (None, argument):
                raise click.UsageError(f"{argument!r} and --{name} {option!r} are two; give one")
            command(**{name: option if argument is None else argument}, **others)

        how: dict[str, Any] = {"type": Text(), "shell_complete": complete}
        add_option = click.option(f"--{name}", "option", metavar=metavar, help=what, **how)
        add_argument = click.argument("argument", metavar=f"[{metavar}]", required=False, **how)
        return add_argument(add_option(with_subject))

    return add


def store_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say where the store's parts are."""
    for option in reversed(
        [
            click.option(
                "--home",
                type=Folder(),
                default=DEFAULT_HOME,
                show_default=True,
                envvar="FMSEARCH_HOME",
                show_envvar=True,
                help="Folder of the embedded store, the outbox and the locks; where there is none "
                "here, that of the nearest folder above which has one.",
            ),
            click.option(
                "--tracking-uri",
                type=Text(),
                envvar="MLFLOW_TRACKING_URI",
                show_envvar=True,
                metavar="URI",
                help="MLflow's server or database.  [default: SQLite in --home]",
            ),
            click.option(
                "--storage",
                type=Text(),
                envvar="FMSEARCH_STORAGE",
                show_envvar=True,
                metavar="URL",
                help="Database of studies and trials.  [default: SQLite in --home]",
            ),
            click.option(
                "--experiment",
                default="fmsearch",
                show_default=True,
                envvar="MLFLOW_EXPERIMENT_NAME",
                show_envvar=True,
                help="MLflow's experiment.",
            ),
        ]
    ):
        command = option(command)
    return command


def places_to_look_at(options: dict[str, Any]) -> Places:
    """The places for a command that writes nothing into the store, as `Places.to_look_at`."""
    from ..search.processes.scratch import scratch_folder

    return places_of(options).to_look_at(scratch_folder)


def places_of(options: dict[str, Any]) -> Places:
    """The places that the `store_options` name; raises what `Places.of` raises."""
    from ..places import Places

    home = home_above() if is_default_home() else None
    if home is not None and home.parent != working_folder():
        say(f"the store in use is {home}", err=True)
    places = Places.of(
        home or options["home"],
        options["tracking_uri"],
        options["storage"],
        options["experiment"],
    )
    click.get_current_context().call_on_close(places.close)
    return places


def is_default_home() -> bool:
    """Whether the user left it to this program where the home is."""
    source = click.get_current_context().get_parameter_source("home")
    return source is ParameterSource.DEFAULT


def where_looked(places: Places) -> str:
    """The home in which there is no store, and where else none was found."""
    above = ", nor in a folder above" if is_default_home() else ""
    return f"{places.home}{above}"


def existing_study(places: Places, name: str) -> StoredStudy:
    """A study of the storage, to be read.

    Raises:
        FmsearchError: There is none of that name.
    """
    from ..search.storage.storage import open_storage

    if not places.has_storage:
        raise FmsearchError(f"no study {name!r}: there is no store in {where_looked(places)}")
    return open_storage(places.storage).study(name)


def ask_to_delete(study: StoredStudy, what: str) -> None:
    """Ask whether a study may be deleted; `what` names the command or the option that does it.

    Raises:
        FmsearchError: Nobody says yes.
    """
    if not sys.stdin.isatty():
        raise FmsearchError(f"{what} asks before it deletes; where nobody can answer, add --yes")
    name, count = study.config.name, sum(study.counts().values())
    if not click.confirm(f"delete the study {name!r}, its {count} trials and their runs?"):
        raise FmsearchError("nothing was deleted")


checkpoint_option = click.option(
    "--checkpoint-every",
    type=Duration(),
    default="10s",
    show_default=True,
    metavar="TIME",
    help="How much training a crash may cost, at most; 0s: one epoch.",
)


jobs_option = click.option(
    "--jobs",
    type=click.IntRange(1),
    metavar="N",
    envvar="FMSEARCH_JOBS",
    show_envvar=True,
    help="Trainer processes, one core each.  [default: the usable cores]",
)
timeout_option = click.option(
    "--timeout",
    type=Duration(),
    metavar="TIME",
    help="Begin no more trials after TIME: 90s, 20m, 2h.",
)
offline_option = click.option(
    "--offline",
    is_flag=True,
    help="Do without MLflow; results wait in the outbox for `fmsearch sync`.",
)


def echo_epoch(done: EpochDone) -> None:
    """Print one line for a finished epoch."""
    fold = f"fold {done.fold}/{done.folds} " if done.folds > 1 else ""
    click.echo(f"  {fold}epoch {done.epoch}/{done.epochs}")
