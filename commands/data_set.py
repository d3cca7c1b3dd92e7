"""The data set of a command: its options, and reading it with a progress bar."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from ..errors import FmsearchError
from .option_types import Text
from .options import Command
from .terminal import make_console, say

if TYPE_CHECKING:
    from ..models.data import DataSet

METAVAR = "NAME|DIR|FILE"
WHAT = (
    "fashion-mnist; a folder with train/CLASS/… and test/CLASS/…, or with CLASS/…, of PNG, JPEG, "
    "BMP, GIF, TIFF or WebP files; a folder of idx files; an .npz file with x_train, y_train, "
    "x_test and y_test, or X and y. `fmsearch data DIR` shows what becomes of it."
)


class ImageSize(click.ParamType[str]):
    """Height and width in pixels, as 64x48."""

    name = "size"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        match = re.fullmatch(r"(\d+)[xX](\d+)", str(value).strip())
        if match is None:
            self.fail(f"{value!r} is no height and width like 64x48", param, ctx)
        return f"{int(match[1])}x{int(match[2])}"


image_size_option = click.option(
    "--image-size",
    type=ImageSize(),
    metavar="HxW",
    help="Resize the pictures of a folder to this height and width.  [default: the most frequent]",
)


def data_options(command: Command) -> Command:
    """Add `--data` and `--image-size`."""
    option = click.option(
        "--data",
        type=Text(),
        default="fashion-mnist",
        show_default=True,
        envvar="FMSEARCH_DATA",
        show_envvar=True,
        metavar=METAVAR,
        help=WHAT,
    )
    return option(image_size_option(command))


def data_set(data: str, image_size: str | None) -> DataSet:
    """Read a data set, and say what was made of it.

    Args:
        data, image_size: The values of the two options.

    Raises:
        FmsearchError: It cannot be used.
    """
    found = read_data_set(data, image_size)
    for line in found.conversions:
        say(f"{found.name}: {line}")
    return found


def read_data_set(data: str, image_size: str | None) -> DataSet:
    """As `data_set`, without a word."""
    from ..models import fashion_mnist
    from ..models.data import FASHION_MNIST, describe

    if data == FASHION_MNIST:
        if image_size:
            raise FmsearchError(
                f"--image-size is for folders of pictures; the images of {data} are 28 x 28"
            )
        fashion_mnist.fetch()
    with _bar() as on_progress:
        return describe(f"{data}#{image_size}" if image_size else data, on_progress)


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    """A progress bar on a terminal, from the first call on."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = make_console()
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    task = bar.add_task("reading pictures", total=None)

    def show(done: int, total: int) -> None:
        bar.start()
        bar.update(task, completed=done, total=total)

    try:
        yield show
    finally:
        bar.stop()
