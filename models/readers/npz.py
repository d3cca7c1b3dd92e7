"""`.npz` files: arrays of images and labels by their usual names."""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import FmsearchError
from ..images import Parts
from ..memory import check_unpacking
from .arrays import Arrays, parts_of

UNREADABLE = (
    *(OSError, ValueError, EOFError, MemoryError, RuntimeError, TypeError),
    *(tokenize.TokenError, zipfile.BadZipFile, zlib.error),
)
"""What NumPy and `zipfile` raise for a file that is damaged, encrypted or of another format.

TypeError: a plain .npy file loads as an array, which is not a context manager. MemoryError: the
header of an array announces billions of values.
"""
NAMES = (
    ("x_train", "y_train", "x_test", "y_test"),
    ("X_train", "y_train", "X_test", "y_test"),
    ("train_images", "train_labels", "test_images", "test_labels"),
    ("images", "labels"),
    ("X", "y"),
    ("x", "y"),
)
"""The first ones that a file has count, if no others have all theirs, too."""
CLASS_NAMES = ("class_names", "classes")


def read_npz(path: Path) -> Parts:
    """Read a file; nothing pickled is loaded.

    Raises:
        FmsearchError: It is damaged, or has other arrays than images and labels.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            names = _names(path, set(file.files))
            check_unpacking(str(path), _bytes(path, names))
            found = [np.asarray(file[name]) for name in names]
            unused = sorted(set(file.files) - {*names, *CLASS_NAMES})
            class_names = _class_names(path, file)
    except UNREADABLE as error:
        raise FmsearchError(f"{path} is no readable .npz file ({error})") from error
    told = (f"not used: {', '.join(unused)}",) if unused else ()
    return parts_of(
        str(path),
        Arrays(
            names=names,
            train=(found[0], found[1]),
            test=(found[2], found[3]) if found[2:] else None,
            class_names=class_names,
            notes=told,
        ),
    )


def _names(path: Path, there: set[str]) -> tuple[str, ...]:
    """The names of images and labels, with those for testing if there are any."""
    whole = [names for names in NAMES if there.issuperset(names[:2])]
    if not whole:
        near = max(NAMES, key=lambda names: len(there.intersection(names)))
        missing = " and no ".join(name for name in near[:2] if name not in there)
        raise FmsearchError(
            f"{path} has no array {missing}; a data file holds x_train, y_train, x_test and y_test"
        )
    ours, others = whole[0], whole[1:]
    if clash := [names for names in others if names[0] != ours[0] and names[1] != ours[1]]:
        raise FmsearchError(
            f"{path} has both {' and '.join(ours[:2])} and {' and '.join(clash[0][:2])}; "
            "keep those that are meant"
        )
    missing_parts = [name for name in ours[2:] if name not in there]
    if len(missing_parts) == 1:
        raise FmsearchError(
            f"{path} has no array {missing_parts[0]}; a data file holds x_train, y_train, x_test "
            "and y_test"
        )
    return ours[:2] if missing_parts else ours


def _bytes(path: Path, names: tuple[str, ...]) -> int:
    with zipfile.ZipFile(path) as archive:
        files = {f"{name}.npy" for name in names}
        return sum(one.file_size for one in archive.infolist() if one.filename in files)


def _class_names(path: Path, file: Any) -> npt.NDArray[Any] | None:
    for name in CLASS_NAMES:
        if name in file.files:
            try:
                names: npt.NDArray[Any] = np.asarray(file[name])
            except UNREADABLE as error:  # most often an array of objects, which needs pickle
                raise FmsearchError(f"{path}: {name} must be an array of text ({error})") from error
            return names
    return None
