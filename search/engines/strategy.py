"""Strategies: the samplers and pruners of Optuna, by name, and which of them go together."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import FmsearchError
from ...models.settings import Scoring
from ..space.space import Space

FEWEST_FOLDS_OF_WILCOXON = 5
"""With fewer, its p is below its threshold of 0.1 after the last fold at the earliest."""


@dataclass(frozen=True)
class Strategy:
    """How a study proposes and prunes trials.

    Attributes:
        sampler, pruner: Keys of `SAMPLERS` and `PRUNERS`; empty for an engine without them.
        lag: Trial k is proposed when exactly the trials up to k - lag are known, so that a study
            comes out the same whatever the trainers' speed; 0 where it may depend on that.
    """

    sampler: str = ""
    pruner: str = ""
    lag: int = 0


def choose_strategy(
    space: Space, sampler: str | None, pruner: str | None, *, reproducible: bool, jobs: int
) -> Strategy:
    """The strategy of a study: what is asked for, else what its space says.

    Raises:
        FmsearchError: The parts do not go together; it says why.
    """
    if space.traits.tries_every_point:
        if sampler or pruner or reproducible:
            raise FmsearchError(
                f"the space {space.name!r} is a grid, which tries every point in one order: it has "
                "no --sampler, no --pruner and nothing to make --reproducible"
            )
        return Strategy()
    chosen = Strategy(sampler or space.sampler, pruner or space.pruner, jobs if reproducible else 0)
    if reason := _fault(space, chosen):
        raise FmsearchError(reason)
    return chosen


def _fault(space: Space, strategy: Strategy) -> str:
    pruner = strategy.pruner
    if len(space.objectives) > 1 and pruner != "none":
        return f"--pruner {pruner}: a study of several objectives has none; use --pruner none"
    if space.scoring is Scoring.VALIDATION and pruner == "wilcoxon":
        return "--pruner wilcoxon compares folds, and this space scores by validation; use median"
    if pruner == "wilcoxon" and space.folds < FEWEST_FOLDS_OF_WILCOXON:
        return (
            f"--pruner wilcoxon cannot decide on {space.folds} folds, "
            f"only from {FEWEST_FOLDS_OF_WILCOXON} on; use median"
        )
    if strategy.lag and strategy.sampler == "nsga2":
        return (
            "--reproducible: nsga2 proposes generations, which need all trials; use tpe or random"
        )
    if strategy.lag and pruner not in ("median", "none"):
        return f"--reproducible: {pruner} looks at running trials; use --pruner median or none"
    return ""
