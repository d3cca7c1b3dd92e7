"""`fmsearch spaces`: lists the search spaces, or prints one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from . import completion
from .formats import format_options, say_rows

if TYPE_CHECKING:
    from ..search.space.space import Space


@click.command()
@click.argument("name", required=False, shell_complete=completion.spaces)
@format_options
def spaces(name: str | None, output: str | None) -> None:
    """List the search spaces, or print one as YAML, to copy and edit."""
    from ..search.space.load import load_space, space_names
    from ..search.space.score_words import scored_by

    if name is not None:
        if output:
            raise click.UsageError(f"a space is printed as YAML; leave --{output} out")
        click.echo(load_space(name).text, nl=False)
        return
    known_spaces = [load_space(known) for known in space_names()]
    if output:
        say_rows([_record(space) for space in known_spaces], output)
        return
    for space in known_spaces:
        points = "continuous" if math.isinf(space.size) else f"{space.size:,.0f} points"
        about = (points, space.model, space.engine, scored_by(space))
        click.echo(f"{space.name}  ({', '.join(about)})")
        click.echo(click.wrap_text(space.about, 79, "    ", "    "))


def _record(space: Space) -> dict[str, Any]:
    from ..search.space.score_words import scored_by

    return {
        "space": space.name,
        "model": space.model,
        "engine": space.engine,
        "scored_by": scored_by(space),
        "points": None if math.isinf(space.size) else int(space.size),
        "trials": space.trials,
        "about": space.about,
    }
