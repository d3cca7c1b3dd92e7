"""The terminal: what is printed is text without secrets; what cannot be shown is replaced."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterable, Sequence
from io import TextIOWrapper
from typing import TYPE_CHECKING

import click

from ..redaction import redacted
from ..text import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

WHOLE_LINES = 1000


def replace_missing_characters() -> None:
    """Let a terminal, or a file, that has fewer characters than Unicode get `?` for the others."""
    if isinstance(sys.stdout, TextIOWrapper):
        with contextlib.suppress(OSError):  # what it was made for has been replaced below it
            sys.stdout.reconfigure(errors="replace")


def visible(text: str) -> str:
    """The text as it is printed: without secrets, and without what steers a terminal."""
    return printable(redacted(text))


def say(text: str, *, err: bool = False) -> None:
    """Print a text, which ends with its line."""
    # Named, as Click would write UTF-8 to what says that it is ASCII, beside the tables' ASCII.
    click.echo(visible(text), file=sys.stderr if err else sys.stdout)


class LogFormatter(logging.Formatter):
    """Writes the log, in which errors of other programs stand, and their tracebacks."""

    def format(self, record: logging.LogRecord) -> str:
        return visible(super().format(record))


def make_console(width: int | None = None, *, is_for_errors: bool = False) -> Console:
    """A console to which `[b]` and `:smile:` are letters, and which colours no numbers.

    What stands in the place of standard output, as in a notebook, gets plain lines.
    """
    from rich.console import Console

    stream = sys.stderr if is_for_errors else sys.stdout
    return Console(
        width=width,
        stderr=is_for_errors,
        markup=False,
        emoji=False,
        highlight=False,
        force_jupyter=False,
        force_terminal=None if isinstance(stream, TextIOWrapper) else False,
    )


def make_table(
    header: Sequence[str], rows: Iterable[Sequence[str]], wrapped: Sequence[str] = ()
) -> Table:
    """A table of texts; they are cut where they do not fit, in columns named `wrapped` broken."""
    from rich.box import SIMPLE
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE, show_edge=False, pad_edge=False)
    for name in header:
        table.add_column(Text(visible(name)), no_wrap=name not in wrapped)
    for cells in rows:
        table.add_row(*(Text(visible(cell)) for cell in cells))
    return table


def print_table(table: Table) -> None:
    """On a terminal as wide as it is; elsewhere whole lines, for other programs to read."""
    console = make_console()
    if not console.is_terminal:
        console = make_console(WHOLE_LINES)
    console.print(table)
