"""Strategies: the samplers and pruners of Optuna, by name, and which of them go together."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import FmsearchError
from ..models.settings import Scoring
from .space import Space

if TYPE_CHECKING:
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler

FEWEST_TRIALS = 5
"""So many are complete before the median of others judges."""
LOOKS = 5
"""The median of others judges when a fifth of the epochs are over, two fifths, and so on. From one
epoch to the next a score changes by more than good trials differ: judged after each, the best of 40
trials was pruned in a fifth of the orders in which they may come, and now in 2 of 100
(`benchmarks/pruning.py`)."""
LEAST_EPOCHS = 3
"""What a trial is given at least where trials are ranked (asha, hyperband)."""
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
    if space.engine != "optuna":
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
    if space.scoring is Scoring.CROSS_VALIDATION:
        if pruner in ("asha", "hyperband"):
            return f"--pruner {pruner} compares epochs, and this space scores by folds; use median"
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


def make_sampler(strategy: Strategy, seed: int) -> BaseSampler:
    """The sampler of a strategy; its random state depends on `seed` alone."""
    with _silence():
        return SAMPLERS[strategy.sampler](seed)


def make_pruner(strategy: Strategy, steps: int) -> BasePruner:
    """The pruner of a strategy.

    Args:
        strategy: Names it.
        steps: How many epochs, or folds, a trial has at most.
    """
    with _silence():
        return PRUNERS[strategy.pruner](steps)


@contextmanager
def _silence() -> Iterator[None]:
    """Optuna warns of parts of its own that may change; the versions are pinned."""
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield


def _tpe(seed: int) -> BaseSampler:
    import optuna

    # Conditional parameters are sampled in groups that apply together.
    return optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True)


def _random(seed: int) -> BaseSampler:
    import optuna

    return optuna.samplers.RandomSampler(seed=seed)


def _nsga2(seed: int) -> BaseSampler:
    import optuna

    return optuna.samplers.NSGAIISampler(seed=seed, population_size=20)


def _median(steps: int) -> BasePruner:
    import optuna

    between = -(-steps // LOOKS)
    return optuna.pruners.MedianPruner(
        n_startup_trials=FEWEST_TRIALS,
        n_warmup_steps=between,
        interval_steps=between,
        n_min_trials=3,
    )


def _asha(_: int) -> BasePruner:
    import optuna

    return optuna.pruners.SuccessiveHalvingPruner(min_resource=LEAST_EPOCHS, reduction_factor=3)


def _hyperband(_: int) -> BasePruner:
    import optuna

    return optuna.pruners.HyperbandPruner(min_resource=LEAST_EPOCHS, reduction_factor=3)


def _wilcoxon(_: int) -> BasePruner:
    import optuna

    return optuna.pruners.WilcoxonPruner(p_threshold=0.1)


def _none(_: int) -> BasePruner:
    import optuna

    return optuna.pruners.NopPruner()


SAMPLERS: Mapping[str, Callable[[int], BaseSampler]] = {
    "tpe": _tpe,
    "random": _random,
    "nsga2": _nsga2,
}
PRUNERS: Mapping[str, Callable[[int], BasePruner]] = {
    "median": _median,
    "asha": _asha,
    "hyperband": _hyperband,
    "wilcoxon": _wilcoxon,
    "none": _none,
}
