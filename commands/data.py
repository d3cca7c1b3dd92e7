"""`fmsearch data`: shows and verifies a data set."""

from __future__ import annotations

import click

from ..text import one_line
from .formats import format_options, say_json, say_rows
from .option_types import Text
from .terminal import say


@click.command()
@click.option("--fetch", is_flag=True, help="Only find or download Fashion-MNIST, and verify it.")
@click.option(
    "--data",
    "spec",
    type=Text(),
    default="fashion-mnist",
    show_default=True,
    metavar="NAME|FILE.npz",
    help="The data set to show.",
)
@format_options
def data(fetch: bool, spec: str, output: str | None) -> None:
    """Show a data set: where it is from, its hash, its classes."""
    from ..models import fashion_mnist
    from ..models.data import FASHION_MNIST, describe

    if fetch:
        fashion_mnist.fetch()
        say(f"Fashion-MNIST is in {fashion_mnist.cache_folder()}, verified")
        return
    found = describe(spec)
    counts = list(zip(found.class_names, found.train_counts, found.test_counts, strict=True))
    classes = [{"class": name, "train": ours, "test": held} for name, ours, held in counts]
    if output == "json":
        say_json({
            "name": found.name,
            "from": found.spec,
            "sha256": found.sha256,
            "image_shape": found.image_shape,
            "classes": classes,
        })  # fmt: skip
        return
    if output == "csv":
        say_rows(classes, output)
        return
    shape = " x ".join(map(str, found.image_shape))
    say(f"name:     {found.name}")
    where = fashion_mnist.origin() if spec == FASHION_MNIST else found.spec
    say(f"from:     {where}")
    say(f"SHA-256:  {found.sha256}")
    say(f"images:   {shape}, uint8")
    say(f"{'class':<16} {'train':>7} {'test':>7}")
    for row in counts:
        say(f"{one_line(row[0]):<16} {row[1]:>7,} {row[2]:>7,}")
    say(f"{'all':<16} {sum(found.train_counts):>7,} {sum(found.test_counts):>7,}")
