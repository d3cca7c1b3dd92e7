"""Keras Tuner in a process of its own, forked from the one that has loaded TensorFlow.

Keras Tuner loads TensorFlow: 4 s of CPU and 0.6 GB, which a coordinator does without, and in
which it loads MLflow instead.
"""

from __future__ import annotations

import logging
import multiprocessing
import time
from collections.abc import Mapping, Sequence
from multiprocessing.managers import BaseManager
from typing import TYPE_CHECKING, cast

from ...errors import FmsearchError
from ...models.settings import Value
from ..processes.fork_server import MOST_STARTS, START_PAUSE, end_with_the_coordinator

if TYPE_CHECKING:
    from .grid_oracle import GridTuner

log = logging.getLogger(__name__)


class _Manager(BaseManager):
    """Serves one `GridTuner`."""


def _make(choices: Mapping[str, Sequence[Value]]) -> GridTuner:
    # By the module that loads TensorFlow in silence, where that is not loaded yet.
    from ...models import quiet_tensorflow  # noqa: F401
    from .grid_oracle import GridTuner

    return GridTuner(choices)


_Manager.register("tuner", _make, exposed=("points", "score", "best"))


class TunerProcess:
    """A `GridTuner` elsewhere. One that dies is replaced, and hears all scores again."""

    def __init__(self, choices: Mapping[str, Sequence[Value]]) -> None:
        self._choices = dict(choices)
        self._scores: dict[int, float | None] = {}
        self._start()

    def points(self) -> list[dict[str, Value]]:
        """As `GridTuner.points`."""
        return self._points

    def score(self, number: int, score: float | None) -> None:
        """As `GridTuner.score`."""
        self._scores.setdefault(number, score)
        try:
            self._tuner.score(number, score)
        except (EOFError, OSError):
            log.warning("the process of Keras Tuner died; it is replaced")
            self._start()

    def best(self, count: int) -> list[tuple[dict[str, Value], float]]:
        """As `GridTuner.best`."""
        return self._tuner.best(count)

    def close(self) -> None:
        """End the process."""
        self._manager.shutdown()

    def _start(self) -> None:
        for _ in range(MOST_STARTS):
            try:
                self._manager = _Manager(ctx=multiprocessing.get_context("forkserver"))
                self._manager.start(end_with_the_coordinator)
                # A proxy, whose methods are made from `exposed`.
                self._tuner = cast("GridTuner", self._manager.tuner(self._choices))  # type: ignore[attr-defined]
                self._points = self._tuner.points()
                for number, score in self._scores.items():
                    self._tuner.score(number, score)
                return
            except (EOFError, OSError):  # it was killed on the way, or what it is forked from was
                time.sleep(START_PAUSE)
        raise FmsearchError(f"the process of Keras Tuner died {MOST_STARTS} times at its start")
