"""`fmsearch data`: shows and verifies a data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import FmsearchError
from ..text import one_line
from . import completion
from .data_set import METAVAR, WHAT, image_size_option, read_data_set
from .formats import format_options, say_json, say_rows
from .option_types import Folder
from .options import subject
from .terminal import say

if TYPE_CHECKING:
    from ..models.data import DataSet
    from ..models.duplicates import Duplicates

FEW = 3


@click.command()
@subject(
    "data",
    metavar=METAVAR,
    what=f"The data set to show: {WHAT.rpartition(' `fmsearch')[0]}  [default: fashion-mnist]",
    complete=completion.paths,
    required=False,
)
@image_size_option
@click.option(
    "--contact-sheets",
    type=Folder(),
    metavar="FOLDER",
    help="Write a PNG with up to 100 training images of each class into FOLDER.",
)
@click.option("--fetch", is_flag=True, help="Only find or download Fashion-MNIST, and verify it.")
@format_options
def data(
    data: str | None,
    image_size: str | None,
    contact_sheets: Path | None,
    fetch: bool,
    output: str | None,
) -> None:
    """Show a data set: where it is from, its hash, its classes.

    \b
      fmsearch data photos                              photos/CLASS/… or photos/train/CLASS/…
      fmsearch data photos --image-size 64x64 --contact-sheets sheets
      fmsearch study mlp --data photos --image-size 64x64

    It also says what was made of the files (sizes, colours, kinds of numbers and labels), and which
    images are there twice. Where it cannot be used, all its faults are listed, and the exit code
    is 1.
    """
    from ..models import fashion_mnist
    from ..models.contact_sheets import save_contact_sheets
    from ..models.data import FASHION_MNIST, load_parts
    from ..models.duplicates import find_duplicates
    from ..models.readers.faults import DataFaultsError

    spec = data or FASHION_MNIST
    if fetch:
        fashion_mnist.fetch()
        say(f"Fashion-MNIST is in {fashion_mnist.cache_folder()}, verified")
        return
    try:
        found = read_data_set(spec, image_size)
    except DataFaultsError as error:
        _show_faults(error.source, error.faults, error.listed, output)
        raise
    parts = load_parts(found.prepared)
    twice = find_duplicates(parts)
    if contact_sheets is not None:
        save_contact_sheets(contact_sheets, parts)
    counts = zip(found.class_names, found.train_counts, found.test_counts, strict=True)
    classes = [{"class": name, "train": ours, "test": held} for name, ours, held in counts]
    if output == "csv":
        say_rows(classes, output)
    elif output == "json":
        say_json({
            "name": found.name,
            "from": found.spec,
            "sha256": found.sha256,
            "image_shape": found.image_shape,
            "conversions": found.conversions,
            "duplicates": twice.as_json,
            "classes": classes,
        })  # fmt: skip
    else:
        where = fashion_mnist.origin() if spec == FASHION_MNIST else found.spec
        _show(found, where, twice, classes)
        if contact_sheets is not None:
            say(f"contact sheets: {contact_sheets}")


def _show(found: DataSet, where: str, twice: Duplicates, classes: list[dict[str, Any]]) -> None:
    shape = " x ".join(map(str, found.image_shape))
    say(f"name:     {found.name}")
    say(f"from:     {where}")
    say(f"SHA-256:  {found.sha256}")
    say(f"images:   {shape}, uint8")
    for line in found.conversions:
        say(f"made:     {line}")
    for line in twice.lines:
        say(f"twice:    {line}")
    say(f"{'class':<16} {'train':>7} {'test':>7}")
    for row in classes:
        say(f"{one_line(row['class']):<16} {row['train']:>7,} {row['test']:>7,}")
    say(f"{'all':<16} {sum(found.train_counts):>7,} {sum(found.test_counts):>7,}")


def _show_faults(
    source: str, faults: tuple[str, ...], listed: tuple[str, ...], output: str | None
) -> None:
    """Show faults, each in a line, and end with the number of them; a few fit in that line.

    Raises:
        FmsearchError: There are more than a few, or they are for another program.
    """
    if output == "json":
        say_json({"from": source, "faults": faults})
    elif len(faults) > FEW:
        for fault in listed:
            say(fault)
    else:
        return
    raise FmsearchError(f"{source} has {len(faults):,} fault{'s' * (len(faults) != 1)}")
