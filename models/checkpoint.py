"""Checkpoints: a training's progress in a file, from which the training continues after a crash."""

from __future__ import annotations

import hashlib
import io
import json
import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from .confusion import accuracy_of
from .fold_training import Progress
from .score import FoldOutcome
from .training import Epoch, FitState

DIGEST_BYTES = hashlib.sha256().digest_size
SHARE = 0.02
"""The largest share of a training's time that checkpoints may take."""


class Checkpoint:
    """The checkpoint file of one training, which is written completely or not at all."""

    def __init__(self, path: Path, every: float) -> None:
        """Name the file, which need not exist.

        Args:
            path: The file.
            every: Seconds between two checkpoints, more where that would exceed `SHARE`; 0 for a
                checkpoint after each epoch, however long it takes.
        """
        self._path = path
        self._part = path.with_suffix(".part")
        self._every = every
        self._last = time.monotonic()
        self._cost = 0.0

    def due(self) -> bool:
        if not self._every:
            return True
        return time.monotonic() - self._last >= max(self._every, self._cost / SHARE)

    def keep(self, progress: Progress) -> None:
        begin = time.monotonic()
        arrays: dict[str, Any] = {}

        def put(values: tuple[Any, ...]) -> list[str]:
            names = [f"a{len(arrays) + index}" for index in range(len(values))]
            arrays.update(zip(names, values, strict=True))
            return names

        document = {
            "fold": progress.fold,
            "history": [asdict(epoch) for epoch in progress.state.history],
            "variables": put(progress.state.variables),
            "kept": [
                {
                    "horizon": horizon,
                    "fold": fold,
                    "history": [asdict(epoch) for epoch in one.history],
                    "epoch": one.epoch,
                    "confusion": put((one.confusion,)),
                    "weights": put(one.weights),
                    "right": put((one.right,)),
                    "score": one.score,
                }
                for horizon, folds in progress.kept.items()
                for fold, one in folds.items()
            ],
            "horizons": list(progress.kept),
            "error": progress.error,
            "scores": progress.scores,
        }
        packed = io.BytesIO()
        np.savez(packed, allow_pickle=False, document=np.array(json.dumps(document)), **arrays)
        self._path.parent.mkdir(exist_ok=True)
        with self._part.open("wb") as file:
            file.write(hashlib.sha256(packed.getbuffer()).digest())
            file.write(packed.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        self._part.replace(self._path)
        self._last = time.monotonic()
        self._cost = self._last - begin

    def load(self) -> Progress | None:
        """The stored progress; None if there is none, or it is damaged or of another version."""
        try:
            content = self._path.read_bytes()
        except OSError:
            return None
        digest, packed = content[:DIGEST_BYTES], content[DIGEST_BYTES:]
        if hashlib.sha256(packed).digest() != digest:
            return None
        try:
            with np.load(io.BytesIO(packed), allow_pickle=False) as file:
                return _read(json.loads(str(file["document"])), file)
        except (KeyError, TypeError, ValueError):  # written by a version with other fields
            return None

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)
        self._part.unlink(missing_ok=True)


def _read(document: dict[str, Any], arrays: Any) -> Progress:
    kept: dict[int, dict[int, FoldOutcome]] = {at: {} for at in document["horizons"]}
    for one in document["kept"]:
        confusion = arrays[one["confusion"][0]]
        kept[one["horizon"]][one["fold"]] = FoldOutcome(
            _history(one["history"]),
            one["epoch"],
            confusion,
            tuple(arrays[name] for name in one["weights"]),
            # Earlier versions did not keep it, and knew no other score than accuracy.
            one["score"] if "score" in one else accuracy_of(confusion),
            arrays[one["right"][0]] if "right" in one else np.zeros(0, bool),
        )
    variables = tuple(arrays[name] for name in document["variables"])
    state = FitState(_history(document["history"]), variables)
    scores = tuple(document.get("scores", ()))  # which earlier versions did not write
    return Progress(document["fold"], state, kept, document["error"], scores)


def _history(epochs: list[dict[str, Any]]) -> tuple[Epoch, ...]:
    return tuple(Epoch(**epoch) for epoch in epochs)
