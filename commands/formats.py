"""What is printed for other programs to read: JSON and CSV, without secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from .options import Command
from .terminal import say


def format_options(command: Command) -> Command:
    """Add `--json` and `--csv`; the command's `output` is one of them, or None."""
    for name in ("csv", "json"):
        option = click.option(
            f"--{name}",
            "output",
            flag_value=name,
            help=f"Print {name.upper()}, for other programs.",
        )
        command = option(command)
    return command


def say_json(value: object) -> None:
    """Print a value as JSON, all in ASCII; numbers that JSON does not have are null."""
    from ..search.study.export import json_text

    say(json_text(value))


def say_rows(rows: Sequence[Mapping[str, Any]], output: str) -> None:
    """Print rows of the same columns as `json`, or as `csv`, in which no rows are nothing."""
    from ..search.runs.tables import csv_text

    if output == "json":
        say_json(rows)
    elif rows:
        values = [["" if one is None else one for one in row.values()] for row in rows]
        say(csv_text(list(rows[0]), values).rstrip("\n"))
