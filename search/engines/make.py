"""The engines by name, each made for a study that begins or goes on."""

from __future__ import annotations

from dataclasses import replace

from ..storage.stored_study import StoredStudy
from ..study.plan import Plan
from .engine import Engine


def make_engine(plan: Plan, stored: StoredStudy) -> Engine:
    """The engine of a plan's space."""
    return _ENGINES[plan.space.engine](plan, stored)


def _keras_tuner(plan: Plan, stored: StoredStudy) -> Engine:
    from .grid_engine import GridEngine, choices
    from .grid_process import TunerProcess

    return GridEngine(plan.space, stored, TunerProcess(choices(plan.space)))


def _optuna(plan: Plan, stored: StoredStudy) -> Engine:
    from .optuna_engine import OptunaEngine

    strategy = replace(plan.strategy, lag=stored.config.lag)  # of the study's first session
    engine = OptunaEngine(plan.space, stored, strategy, plan.seed)
    if plan.enqueue:
        engine.enqueue()
    return engine


_ENGINES = {"keras_tuner": _keras_tuner, "optuna": _optuna}
