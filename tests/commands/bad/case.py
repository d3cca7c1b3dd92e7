"""One bad input, and what makes it; an empty or a good thing is near at hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

GRID = """\
name: small
model: mlp
engine: keras_tuner
score: {by: cross_validation, folds: 3}
parameters: {epochs: [1, 2]}
"""
OWN = """\
name: own
model: mine:build
engine: optuna
score: {by: validation}
fixed: {epochs: 1}
parameters: {width: [4, 8]}
"""
LONG = "x" * 5_000
Make = Callable[[Path], object]
"""Puts the bad thing into a folder, where `small.yaml`, `own.yaml` and `tiny.npz` are good."""


@dataclass(frozen=True)
class Bad:
    """One bad input: how it is made, what is run on it, and what is to be said."""

    name: str
    arguments: str
    expected: str
    make: Make = lambda folder: None
    code: int = 1
    environment: dict[str, str] = field(default_factory=dict)


def file(name: str, content: str | bytes) -> Make:
    written = content.encode() if isinstance(content, str) else content
    return lambda folder: (folder / name).write_bytes(written)


def space(change: str = "", *, base: str = GRID) -> Make:
    """`bad.yaml`, a good space with something bad at its end."""
    return file("bad.yaml", base + change)


def changed(old: str, new: str, *, base: str = OWN) -> Make:
    assert old in base
    return file("bad.yaml", base.replace(old, new))


def data(**changes: Any) -> Make:
    """`bad.npz`, a good data file with some of its arrays changed."""
    return lambda folder: np.savez(folder / "bad.npz", **{**arrays(), **changes})


def arrays() -> dict[str, Any]:
    return {
        "x_train": np.zeros((20, 8, 8), np.uint8),
        "y_train": np.repeat([0, 1], 10),
        "x_test": np.zeros((4, 8, 8), np.uint8),
        "y_test": np.array([0, 1, 0, 1]),
    }


STUDY = "study --space small.yaml"
