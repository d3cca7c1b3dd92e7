"""The engines by name, each made for a study that begins or goes on."""

from __future__ import annotations

from dataclasses import replace

from .engine import Engine
from .plan import Plan
from .study_ledger import StudyLedger


def make_engine(plan: Plan, ledger: StudyLedger) -> Engine:
    """The engine of a plan's space."""
    return _ENGINES[plan.space.engine](plan, ledger)


def _keras_tuner(plan: Plan, ledger: StudyLedger) -> Engine:
    from .keras_tuner_grid import KerasTunerGrid, choices
    from .tuner_process import TunerProcess

    return KerasTunerGrid(plan.space, ledger, TunerProcess(choices(plan.space)))


def _optuna(plan: Plan, ledger: StudyLedger) -> Engine:
    from .optuna_engine import OptunaEngine

    strategy = replace(plan.strategy, lag=ledger.record.lag)  # of the study's first session
    engine = OptunaEngine(plan.space, ledger, strategy, plan.seed)
    if plan.enqueue:
        engine.enqueue()
    return engine


_ENGINES = {"keras_tuner": _keras_tuner, "optuna": _optuna}
