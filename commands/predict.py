"""`fmsearch predict`: what a registered model says of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import FmsearchError
from . import completion
from .formats import format_options, say_rows
from .option_types import Text
from .options import places_to_look_at, store_options
from .terminal import say

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ..tracking.registered import RegisteredModel

BATCH = 256
"""Files that are read before the model answers."""


@click.command()
@click.argument("pictures", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--model",
    type=Text(),
    metavar="NAME[@ALIAS|/VERSION]",
    shell_complete=completion.models,
    help="Who answers.  [default: the champion of the only registered model]",
)
@click.option(
    "--invert/--no-invert",
    default=None,
    help="Make bright dark and dark bright, or leave it.  [default: if a picture's border is "
    "bright and those of the training images are dark, or the reverse]",
)
@format_options
@store_options
def predict(
    pictures: tuple[Path, ...],
    model: str | None,
    invert: bool | None,
    output: str | None,
    **store: Any,
) -> None:
    """Say what a registered model sees in PICTURES.

    PICTURES are PNG, JPEG, BMP, GIF, TIFF or WebP files, arrays in .npy files, and folders of
    these. They are made grey and resized as the model wants; what another shape leaves free gets
    the border's colour. Of several files, those that cannot be read are named, and the
    others answered.

    \b
      fmsearch predict boot.jpg
      fmsearch predict pictures/ --csv > answers.csv
      fmsearch predict boot.jpg --model fashion-mnist@challenger
    """
    from ..models.pictures import find_pictures
    from ..tracking.reachability import check_answers

    files = find_pictures(pictures)
    places = places_to_look_at(store)
    check_answers(places)
    from ..models import quiet_tensorflow  # noqa: F401  # loads TensorFlow without its messages
    from ..tracking.registered import load_registered
    from ..tracking.store import Store

    loaded = load_registered(Store(places, create=False), model)
    rows, unread = _answers(loaded, files, invert)
    if len(files) == 1 and unread:
        raise unread[0]
    if output:
        say_rows(rows, output)
    else:
        width = max((len(str(row["class"])) for row in rows), default=0)
        for row in rows:
            say(f"{row['class']:{width}}  {row['probability']:.3f}  {row['picture']}")
    for error in unread:
        say(str(error), err=True)
    if unread:
        raise FmsearchError(f"{len(unread):,} of {len(files):,} files could not be read")


def _answers(
    model: RegisteredModel, files: list[Path], invert: bool | None
) -> tuple[list[dict[str, Any]], list[FmsearchError]]:
    """A row for each picture, and what is wrong with those that cannot be read."""
    import numpy as np

    from ..models.pictures import read_pictures
    from .progress import counting

    rows: list[dict[str, Any]] = []
    unread: list[FmsearchError] = []
    background = _background(model, is_asked=invert is None)
    with counting("pictures", len(files)) as count:
        for start in range(0, len(files), BATCH):
            read: list[tuple[str, npt.NDArray[np.uint8], bool]] = []
            for file in files[start : start + BATCH]:
                try:
                    read += read_pictures(
                        file, model.image_shape, invert=invert, background=background
                    )
                except FmsearchError as error:
                    unread.append(error)
                count(1)
            answers = model.probabilities(np.stack([one[1] for one in read])) if read else ()
            rows += [
                {
                    "picture": name,
                    "class": model.class_names[int(one.argmax())],
                    "probability": round(float(one.max()), 6),
                    "inverted": inverted,
                }
                for (name, _, inverted), one in zip(read, answers, strict=True)
            ]
    return rows, unread


def _background(model: RegisteredModel, *, is_asked: bool) -> str:
    """What is around what the model's training images show; says so if nobody knows."""
    from ..models.fashion_mnist import CLASS_NAMES

    if model.background in ("dark", "bright"):
        return model.background
    if model.class_names == CLASS_NAMES:  # of an earlier version
        return "dark"
    is_grey = len(model.image_shape) == 2 or model.image_shape[2] == 1
    if is_asked and is_grey:
        why = "were of both kinds" if model.background else "are not on record"
        say(
            f"whether {model.title} wants bright on dark or dark on bright is not known: the "
            f"borders of its training images {why}. Pictures stay as they are; --invert turns them",
            err=True,
        )
    return ""
