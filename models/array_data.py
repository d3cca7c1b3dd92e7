"""Arrays of images, written as a data file: once for equal ones, under their hash."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from ..errors import FmsearchError
from .readers.arrays import Array, Arrays, parts_of

ArrayData: TypeAlias = Mapping[str, Any] | Sequence[Any]
"""Images and labels in memory: a mapping with the keys of a data file, or training and test part,
each a pair of arrays, as Keras' `load_data` gives them, or a `tf.data.Dataset` of such pairs."""
KEYS = ("x_train", "y_train", "x_test", "y_test")
NAMES = "class_names"
SOURCE = "data"
"""Names the arrays in messages."""


def write_arrays(data: ArrayData, folder: Path) -> Path:
    """Write arrays as a data file, unless it is there: its name has the hash of its content.

    Args:
        data: Images and labels of the types and shapes that a data file may have.
        folder: Which is made.

    Raises:
        FmsearchError: The arrays cannot be used, or cannot be written.
    """
    arrays = _arrays(data)
    x_train, y_train, x_test, y_test = (arrays[key] for key in KEYS)
    names = arrays.get(NAMES)
    parts_of(  # says what is wrong with them
        SOURCE,
        Arrays(names=KEYS, train=(x_train, y_train), test=(x_test, y_test), class_names=names),
    )
    digest = hashlib.sha256()
    for key, array in arrays.items():
        digest.update(f"{key} {array.dtype.str} {array.shape} ".encode() + array.tobytes())
    file = folder / f"arrays-{digest.hexdigest()[:12]}.npz"
    if file.exists():
        return file
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            written = Path(scratch, file.name)
            with written.open("wb") as opened:
                np.savez(opened, **arrays)  # type: ignore[arg-type]  # its stubs mistake one name
                opened.flush()
                os.fsync(opened.fileno())
            written.replace(file)
    except OSError as error:
        raise FmsearchError(f"cannot write {file}: {error.strerror}") from error
    return file


def _arrays(data: ArrayData) -> dict[str, Array]:
    """The arrays by their keys in a data file, in one order."""
    if isinstance(data, Mapping):
        if missing := [key for key in KEYS if key not in data]:
            raise FmsearchError(f"{SOURCE} has no {' and no '.join(missing)}; it has to")
        given = {key: data[key] for key in (*KEYS, NAMES) if data.get(key) is not None}
    elif isinstance(data, (tuple, list)) and len(data) == 2:
        given = {}
        for part, one in zip(("train", "test"), data, strict=True):
            given[f"x_{part}"], given[f"y_{part}"] = _pair(one, part)
    else:
        raise FmsearchError(
            f"{SOURCE} is a {type(data).__name__}; give a name, a file, a mapping with "
            f"{', '.join(KEYS)}, or a training and a test part, each (images, labels) or a "
            "tf.data.Dataset"
        )
    found = {}
    for key, one in given.items():
        try:
            found[key] = np.asarray(one)
        except ValueError as error:  # lists of several lengths
            raise FmsearchError(f"{SOURCE}: {key} is no array ({error})") from error
        if found[key].dtype.hasobject:
            raise FmsearchError(f"{SOURCE}: {key} has objects; give an array of numbers or texts")
    return found


def _pair(part: Any, name: str) -> tuple[Any, Any]:
    if hasattr(part, "as_numpy_iterator"):
        return _read_dataset(part, name)
    if not isinstance(part, (tuple, list)) or len(part) != 2:
        raise FmsearchError(
            f"the {name} part of {SOURCE} is a {type(part).__name__}; it must be "
            "(images, labels) or a tf.data.Dataset of these"
        )
    return part[0], part[1]


def _read_dataset(dataset: Any, name: str) -> tuple[Any, Any]:
    """All images and labels of a `tf.data.Dataset`, in batches or one by one."""
    spec = dataset.element_spec
    if not isinstance(spec, tuple) or len(spec) != 2 or not hasattr(spec[1], "shape"):
        raise FmsearchError(f"the {name} part of {SOURCE} must give (image, label)")
    if int(dataset.cardinality()) == -1:  # TensorFlow's word for it
        raise FmsearchError(f"the {name} part of {SOURCE} never ends; give it before .repeat()")
    found = list(dataset.as_numpy_iterator())
    if not found:
        raise FmsearchError(f"the {name} part of {SOURCE} has no images")
    join = np.stack if spec[1].shape.rank == 0 else np.concatenate
    return join([one for one, _ in found]), join([one for _, one in found])
