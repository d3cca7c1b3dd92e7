"""`fmsearch spaces`: lists the search spaces, or prints one."""

from __future__ import annotations

import math

import click


@click.command()
@click.argument("name", required=False)
def spaces(name: str | None) -> None:
    """List the search spaces, or print one as YAML, to copy and edit."""
    from ..search.space.load import load_space, space_names

    if name is not None:
        click.echo(load_space(name).text, nl=False)
        return
    for known in space_names():
        space = load_space(known)
        points = "continuous" if math.isinf(space.size) else f"{space.size:,.0f} points"
        click.echo(f"{known}  ({points}, {space.model}, {space.engine})")
        click.echo(click.wrap_text(space.about, 79, "    ", "    "))
