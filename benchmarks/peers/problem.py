"""What every peer searches: a grid by cross-validation, or a space by hold-out."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fmsearch.models.data import FASHION_MNIST, load_training
from fmsearch.models.split import Fold, Folding, Split, cut_folds, split_rows

if TYPE_CHECKING:
    import keras

FOLDS = 3
SPACE = """\
name: bench
model: cnn
engine: optuna
sampler: tpe
pruner: median
score: {by: validation}
fixed:
  depth: 3
  batch_norm: each
  head: average
  dense_units: 0
  optimizer: adam
  batch_size: 128
  epochs: EPOCHS
parameters:
  filters_1: {int: [16, 32], step: 8}
  filters_2: {int: [32, 64], step: 16}
  filters_3: {int: [64, 128], step: 32}
  convolutions_1: {int: [1, 2]}
  convolutions_2: {int: [1, 2]}
  dropout_rate: {float: [0.0, 0.3]}
  learning_rate: {float: [3e-4, 1e-2], log: true}
"""
"""The space of the hold-out searches, for fmsearch; each peer has it in its own words."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is searched, and with how much of the machine.

    Attributes:
        data: As `--data`.
        images: As `--train-images`; None for all.
        jobs: Number of processes, or of whatever the peer has for that.
        seed: Of the search.
        points: Of a grid: parameters of `networks.mlp`, `optimizer`, `batch_size` and `epochs`.
        folds: Of a grid: how many of its 3 folds are scored.
        trials, epochs: Of a hold-out search: its budget.
        first_epoch: A file to make when the first epoch of all has ended; empty for none.
    """

    data: str = FASHION_MNIST
    images: int | None = None
    jobs: int = 1
    seed: int = 0
    points: list[dict[str, Any]] = field(default_factory=list)
    folds: int = FOLDS
    trials: int = 0
    epochs: int = 0
    first_epoch: str = ""

    @cached_property
    def _images(self) -> tuple[np.ndarray, np.ndarray, Split]:
        images = load_training(self.data)
        pixels = images.pixels.astype("float32") / 255
        return pixels, images.labels, split_rows(images.labels, self.images)

    @cached_property
    def folded(self) -> tuple[np.ndarray, np.ndarray, list[Fold]]:
        """For a grid: flat images, float32 (n, h x w) from 0 to 1, their labels, and the folds."""
        pixels, labels, split = self._images
        x, y = pixels[split.train], labels[split.train]
        folds = cut_folds(np.arange(len(y), dtype=np.int32), Folding(FOLDS), y)
        return x.reshape(len(y), -1), y, list(folds[: self.folds])

    @cached_property
    def held_out(self) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
        """For hold-out: images, float32 (n, h, w, 1), and labels to train on and to score on."""
        pixels, labels, split = self._images
        train, held = ((pixels[r][..., None], labels[r]) for r in (split.train, split.validation))
        return train, held

    def callbacks(self) -> list[keras.callbacks.Callback]:
        """What a training must be given, so that `first_epoch` is made."""
        import keras

        if not self.first_epoch:
            return []
        file = Path(self.first_epoch)
        return [keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: file.touch())]
