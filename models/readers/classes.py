"""Labels of any kind as classes counted from 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..images import Labels
from .pixels import UnclearError

Array = npt.NDArray[Any]

LARGEST_LABEL = 9999


@dataclass(frozen=True)
class Classes:
    """The classes of a data set's labels.

    Attributes:
        train, test: int32, (n,).
        names: In the order of the classes.
        told: The conversions in words.
    """

    train: Labels
    test: Labels | None
    names: tuple[str, ...]
    told: tuple[str, ...]


def classes_of(
    names: Sequence[str], train: Array, test: Array | None, class_names: Array | None
) -> Classes:
    """Count the classes of labels from 0, in the order of numbers or of the alphabet.

    Args:
        names: Of the labels of both parts, for messages.
        train, test: Whole numbers or texts (n,) or (n, 1), or one-hot (n, classes).
        class_names: Texts, (classes,); None if there are none.

    Raises:
        UnclearError: They are no labels, or the names do not fit them.
    """
    told: list[str] = []
    flat = [
        _flat(name, labels, told)
        for name, labels in zip(names, (train, test), strict=False)
        if labels is not None
    ]
    values = np.unique(flat[0])
    if flat[0].dtype.kind in "US":
        texts = tuple(_text(one) for one in values)
        if class_names is not None and set(_texts(class_names)) != set(texts):
            raise UnclearError(
                f"class_names are not the texts of {names[0]}; leave them out, or number the labels"
            )
        ours = _texts(class_names) if class_names is not None else texts
        told.append(f"labels are texts, of {len(texts)} classes")
        return _placed(names, flat, values, ours, told)
    count = int(values.max()) + 1
    if class_names is not None:
        ours = _texts(class_names)
        if len(ours) not in (count, len(values)):
            raise UnclearError(
                f"class_names has shape {class_names.shape}, but the labels name {count} classes"
            )
        if len(ours) == count:
            return _as_they_are(flat, ours, told)
    elif len(values) == count:
        return _as_they_are(flat, tuple(map(str, range(count))), told)
    else:
        ours = tuple(map(str, values))
    told.append(f"{len(values)} labels from {values.min()} to {values.max()} became 0 to "
                f"{len(values) - 1}")  # fmt: skip
    return _placed(names, flat, values, ours, told)


def _as_they_are(flat: list[Array], names: tuple[str, ...], told: list[str]) -> Classes:
    whole = [one.astype(np.int32) for one in flat]
    return Classes(whole[0], whole[1] if whole[1:] else None, names, tuple(dict.fromkeys(told)))


def _placed(
    names: Sequence[str],
    flat: list[Array],
    values: Array,
    class_names: tuple[str, ...],
    told: list[str],
) -> Classes:
    """Each label as the place of its value: of a text among the names, of a number by its size."""
    is_text = values.dtype.kind in "US"
    places = np.array([class_names.index(_text(one)) if is_text else place
                       for place, one in enumerate(values)])  # fmt: skip
    for name, labels in zip(names[1:], flat[1:], strict=False):
        unknown = np.setdiff1d(labels, values)
        if len(unknown):
            raise UnclearError(f"{name} has label {_text(unknown[0])}, but {names[0]} has not")
    found = [places[np.searchsorted(values, labels)] for labels in flat]
    return _as_they_are(found, class_names, told)


def _flat(name: str, labels: Array, told: list[str]) -> Array:
    """Labels as whole numbers or texts, (n,)."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        told.append("labels of shape (n, 1) became (n,)")
        labels = labels[:, 0]
    elif labels.ndim == 2 and _is_one_hot(labels):
        told.append("one-hot labels became numbers of classes")
        labels = np.asarray(labels.argmax(axis=1))
    if labels.ndim != 1 or labels.dtype.kind not in "iuUS":
        raise UnclearError(
            f"{name} is {labels.dtype} {labels.shape}; it must be integer or text (n,) or (n, 1), "
            "or one-hot"
        )
    if not len(labels):
        raise UnclearError(f"{name} is empty")
    is_number = labels.dtype.kind in "iu"
    if is_number and (int(labels.min()) < 0 or int(labels.max()) > LARGEST_LABEL):
        raise UnclearError(f"{name} has labels outside 0 to {LARGEST_LABEL}")
    return labels


def _is_one_hot(labels: Array) -> bool:
    if labels.dtype.kind not in "biuf" or not labels.size:
        return False
    return bool(((labels == 0) | (labels == 1)).all() and (labels.sum(axis=1) == 1).all())


def _texts(names: Array) -> tuple[str, ...]:
    if names.ndim != 1:
        raise UnclearError(f"class_names has shape {names.shape}; it must be (classes,)")
    return tuple(_text(name) for name in names)


def _text(name: Any) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
