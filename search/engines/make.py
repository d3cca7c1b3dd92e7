"""Engines, made by the names that spaces give them in `ENGINES` of `space/engine_traits.py`."""

from __future__ import annotations

import pkgutil
from dataclasses import replace
from typing import Protocol

from ..space.space import Space
from ..storage.stored_study import StoredStudy
from .engine import Engine
from .strategy import Strategy


class EngineFactory(Protocol):
    """How an engine is made: of a space, of the study's record, and of how it proposes."""

    def __call__(
        self, space: Space, stored: StoredStudy, strategy: Strategy, seed: int, /
    ) -> Engine: ...


def make_engine(space: Space, stored: StoredStudy, strategy: Strategy, seed: int) -> Engine:
    """The engine of a space, for a study that begins or goes on."""
    make: EngineFactory = pkgutil.resolve_name(space.traits.implementation)
    lag = stored.config.lag  # of the study's first session
    return make(space, stored, replace(strategy, lag=lag), seed)
