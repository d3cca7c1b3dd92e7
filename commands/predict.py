"""`fmsearch predict`: what a registered model says of pictures."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

import click

from .formats import format_options, say_rows
from .option_types import Text
from .options import places_to_look_at, store_options
from .terminal import say


@click.command()
@click.argument("pictures", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--model", type=Text(), metavar="NAME", help="[default: the only registered model]")
@click.option(
    "--alias",
    type=Text(),
    default="champion",
    show_default=True,
    help="Which version: an alias or a number.",
)
@click.option(
    "--invert/--no-invert",
    default=None,
    help="Make bright dark and dark bright, or leave it.  [default: for a model of Fashion-MNIST, "
    "whose images are bright on dark, if a picture's border is bright]",
)
@format_options
@store_options
def predict(
    pictures: tuple[Path, ...],
    model: str | None,
    alias: str,
    invert: bool | None,
    output: str | None,
    **store: Any,
) -> None:
    """Say what a registered model sees in PICTURES.

    PICTURES are PNG, JPEG, BMP, GIF, TIFF or WebP files, arrays in .npy files, and folders of
    these. They are made grey and resized as the model wants; what another shape leaves free gets
    the border's colour.

    \b
      fmsearch predict boot.jpg
      fmsearch predict pictures/ --csv > answers.csv
    """
    import numpy as np

    from ..models import quiet_tensorflow  # noqa: F401  # loads TensorFlow without its messages
    from ..models.fashion_mnist import CLASS_NAMES
    from ..models.pictures import find_pictures, read_pictures
    from ..tracking.registered import load_registered
    from ..tracking.store import Store

    files = find_pictures(pictures)
    loaded = load_registered(Store(places_to_look_at(store), create=False), model, alias)
    if invert is None and loaded.class_names != CLASS_NAMES:
        invert = False
    shape = loaded.image_shape
    read = [read_pictures(file, shape, invert=invert) for file in files]
    names, images = zip(*chain.from_iterable(read), strict=True)
    answers = loaded.probabilities(np.stack(images))
    rows = [
        {
            "picture": name,
            "class": loaded.class_names[int(one.argmax())],
            "probability": round(float(one.max()), 6),
        }
        for name, one in zip(names, answers, strict=True)
    ]
    if output:
        say_rows(rows, output)
        return
    width = max(len(str(row["class"])) for row in rows)
    for row in rows:
        say(f"{row['class']:{width}}  {row['probability']:.3f}  {row['picture']}")
