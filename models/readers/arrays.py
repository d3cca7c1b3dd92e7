"""Arrays of images and labels, converted and checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..images import Images, Parts, Pixels
from .classes import Classes, classes_of
from .faults import raise_if_any
from .hold_out import HOLD_OUT, hold_out
from .pixels import UnclearError, channels_last, scale_of

Array = npt.NDArray[Any]

FEWEST_PER_CLASS = 4
"""Training images that each class needs, so that it is on both sides of the 75/25 split."""


@dataclass(frozen=True, kw_only=True)
class Arrays:
    """A data set as a file has it.

    Attributes:
        names: Of the arrays with images and labels for training, then of those for testing.
        train, test: Images and labels; `test` is None if there is no such part.
        class_names: None if there are none.
        notes: What was done before, in words.
    """

    names: tuple[str, ...]
    train: tuple[Array, Array]
    test: tuple[Array, Array] | None = None
    class_names: Array | None = None
    notes: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[tuple[Array, Array], ...]:
        """Both, or the one that there is."""
        return (self.train,) if self.test is None else (self.train, self.test)


def parts_of(source: str, arrays: Arrays) -> Parts:
    """Convert and check a data set.

    Args:
        source: Names it in messages.
        arrays: As a file has them.

    Raises:
        FmsearchError: Something cannot be used, or could be two things.
    """
    faults = _unequal_lengths(arrays)
    pixels, classes = None, None
    try:
        pixels, told = _pixels(arrays)
    except UnclearError as error:
        faults.append(str(error))
    try:
        classes = _classes(arrays)
    except UnclearError as error:
        faults.append(str(error))
    raise_if_any(source, faults)
    assert pixels is not None
    assert classes is not None
    told = tuple(dict.fromkeys((*arrays.notes, *told, *classes.told)))
    if classes.test is not None:
        train, test = Images(pixels[0], classes.train), Images(pixels[1], classes.test)
        parts = Parts(train, test, classes.names, told)
    else:
        parts = _without_test(source, Images(pixels[0], classes.train), classes.names, told)
    check_parts(source, parts, arrays.names[-1])
    return parts


def _unequal_lengths(arrays: Arrays) -> list[str]:
    return [
        f"{arrays.names[2 * place]} has {len(pixels)} images, "
        f"{arrays.names[2 * place + 1]} {len(labels)} labels"
        for place, (pixels, labels) in enumerate(arrays.parts)
        if pixels.ndim and labels.ndim and len(pixels) != len(labels)
    ]


def _pixels(arrays: Arrays) -> tuple[list[Pixels], tuple[str, ...]]:
    """The images of each part, and what was made of them.

    Raises:
        UnclearError: They are no images, or could be two things.
    """
    names = arrays.names[::2]
    images = [part[0] for part in arrays.parts]
    moved = [channels_last(name, one) for name, one in zip(names, images, strict=True)]
    images = [one for one, _ in moved]
    if len({one.dtype for one in images}) == 1:  # the range of both tells what they are
        scales = [scale_of(names[0], *images)] * len(images)
    else:
        scales = [scale_of(name, one) for name, one in zip(names, images, strict=True)]
    told = [*(what for _, what in moved), *(scale.told for scale in scales)]
    made = [scale.apply(one) for scale, one in zip(scales, images, strict=True)]
    return made, tuple(what for what in told if what)


def _classes(arrays: Arrays) -> Classes:
    test = arrays.test[1] if arrays.test else None
    return classes_of(arrays.names[1::2], arrays.train[1], test, arrays.class_names)


def _without_test(
    source: str, whole: Images, class_names: tuple[str, ...], told: tuple[str, ...]
) -> Parts:
    """Parts of a data set that has no test images."""
    _check_classes(source, whole, len(class_names), FEWEST_PER_CLASS + 1, "")
    test_rows = hold_out(whole.labels, [pixels.tobytes() for pixels in whole.pixels])
    kept = np.setdiff1d(np.arange(len(whole)), test_rows)
    train, test = (Images(whole.pixels[rows], whole.labels[rows]) for rows in (kept, test_rows))
    return Parts(train, test, class_names, (*told, HOLD_OUT))


def check_parts(source: str, parts: Parts, test_labels: str = "test") -> None:
    """See that training and test images go together, and that all classes can be learnt.

    Args:
        source: Names the data set in messages.
        parts: The data set.
        test_labels: Names the labels of the test images.

    Raises:
        FmsearchError: They do not.
    """
    classes = len(parts.class_names)
    _check_classes(source, parts.train, classes, FEWEST_PER_CLASS, "training ")
    faults = []
    if int(parts.test.labels.max()) >= classes:
        faults.append(
            f"{test_labels} has label {int(parts.test.labels.max())}, "
            f"but the training labels end at {classes - 1}"
        )
    ours, theirs = parts.train.pixels.shape[1:], parts.test.pixels.shape[1:]
    if ours != theirs:
        faults.append(f"test images are {theirs}, training images {ours}")
    raise_if_any(source, faults)


def _check_classes(source: str, images: Images, classes: int, fewest: int, kind: str) -> None:
    counts = np.bincount(images.labels, minlength=classes)
    if classes < 2:
        what = f"all {kind}images have one label; two classes are needed"
        raise_if_any(source, [what])
    scarce = np.flatnonzero(counts[:classes] < fewest)
    if len(scarce):
        more = f", {len(scarce) - 1} more have too few, too" if len(scarce) > 1 else ""
        what = f"class {scarce[0]} has {counts[scarce[0]]} {kind}images{more}"
        raise_if_any(
            source, [f"{what}; each class from 0 to {classes - 1} needs at least {fewest}"]
        )
