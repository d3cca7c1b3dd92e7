"""The engines that there are keep the contract of engines."""

from __future__ import annotations

from fmsearch.search.space.engine_traits import ENGINES

from .contract import EngineContract


class TestGrid(EngineContract):
    engine = "keras_tuner"


class TestOptuna(EngineContract):
    engine = "optuna"


def test_every_engine_is_held_to_the_contract() -> None:
    assert {one.engine for one in EngineContract.__subclasses__()} == set(ENGINES)
