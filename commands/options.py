"""What several commands share: types of options, and options."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import FmsearchError

if TYPE_CHECKING:
    from ..places import Places
    from ..search.storage.stored_study import StoredStudy
    from ..search.trainers.messages import EpochDone

# Slow imports are inside the functions, so that --help answers at once.

DEFAULT_HOME = Path("mlruns")


class Duration(click.ParamType[float]):
    """Seconds, as a number with or without s, m or h."""

    name = "duration"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        if isinstance(value, float):
            return value
        match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", str(value).strip())
        if match is None:
            self.fail(f"{value!r} is no time like 90s, 20m or 2h", param, ctx)
        return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


class Fraction(click.FloatRange):
    """A number in a range. Click's own check accepts nan, this one refuses it."""

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail("nan is not in the range 0<=x<=1.", param, ctx)
        return number


class Text(click.ParamType[str]):
    """A text that is not empty, as that of a variable which is not set is: `--name "$NAME"`."""

    name = "text"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        if not str(value).strip():
            self.fail("it is empty; leave the option out, or give it a value", param, ctx)
        return str(value)


class Folder(click.Path):
    """A folder, there or not, whose name is not empty."""

    def __init__(self) -> None:
        super().__init__(file_okay=False, path_type=Path)

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if not str(value).strip():
            self.fail("it is empty; leave the option out, or name a folder", param, ctx)
        return super().convert(value, param, ctx)


class KeepModels(click.ParamType[int | None]):
    """How many models are kept: all (None), none (0) or those of the K best trials (K)."""

    name = "keep_models"

    def convert(self, value: Any, param: Any, ctx: Any) -> int | None:
        if value in ("all", None):
            return None
        if value == "none" or value == 0:
            return 0
        match = re.fullmatch(r"best:([1-9]\d*)", str(value))
        if match is None:
            self.fail(f"{value!r} is not all, best:K (like best:10) or none", param, ctx)
        return int(match[1])


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
                help="Folder of the embedded store, the outbox and the locks.",
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

    places = Places.of(
        options["home"], options["tracking_uri"], options["storage"], options["experiment"]
    )
    click.get_current_context().call_on_close(places.close)
    return places


def existing_study(places: Places, name: str) -> StoredStudy:
    """A study of the storage, to be read.

    Raises:
        FmsearchError: There is none of that name.
    """
    from ..search.storage.storage import open_storage

    if not places.has_storage:
        raise FmsearchError(f"no study {name!r}: there is no store in {places.home}")
    return open_storage(places.storage).study(name)


checkpoint_option = click.option(
    "--checkpoint-every",
    type=Duration(),
    default="10s",
    show_default=True,
    metavar="TIME",
    help="How much training a crash may cost, at most; 0s: one epoch.",
)


data_option = click.option(
    "--data",
    type=Text(),
    default="fashion-mnist",
    show_default=True,
    envvar="FMSEARCH_DATA",
    show_envvar=True,
    metavar="NAME|FILE.npz",
    help="fashion-mnist, or an .npz file with x_train, y_train, x_test and y_test.",
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
