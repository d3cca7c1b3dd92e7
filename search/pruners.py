"""Pruners: Optuna's algorithms that stop unpromising trials of a study, by name.

To add one, write a function that takes the space, and give it a name in `PRUNERS`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optuna.pruners import BasePruner

    from .space.space import Space

FEWEST_TRIALS = 5
"""The median pruner needs this number of complete trials."""
LOOKS = 5
"""The median pruner judges after one fifth of the epochs, two fifths, and so on. From one epoch to
the next a score changes by more than good trials differ. Judging after each epoch pruned the best
of 40 trials in a fifth of their random orders, judging five times in 2 of 100
(`benchmarks/pruning.py`)."""


def make_pruner(name: str, space: Space) -> BasePruner:
    """The pruner of that name, for one space."""
    import optuna

    with warnings.catch_warnings():
        # Optuna warns of features that may change in later versions; its version is pinned.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return PRUNERS[name](space)


def _median(space: Space) -> BasePruner:
    import optuna

    between = -(-space.steps // LOOKS)
    return optuna.pruners.MedianPruner(
        n_startup_trials=FEWEST_TRIALS,
        n_warmup_steps=between,
        interval_steps=between,
        n_min_trials=3,
    )


def _halving(space: Space) -> BasePruner:  # noqa: ARG001
    """Prunes nothing: such studies pause trials instead (`engines/halving.py`)."""
    import optuna

    return optuna.pruners.NopPruner()


def _wilcoxon(space: Space) -> BasePruner:  # noqa: ARG001
    import optuna

    return optuna.pruners.WilcoxonPruner(p_threshold=0.1)


def _none(space: Space) -> BasePruner:  # noqa: ARG001
    import optuna

    return optuna.pruners.NopPruner()


PRUNERS: dict[str, Callable[[Space], BasePruner]] = {
    "median": _median,
    "asha": _halving,
    "hyperband": _halving,
    "wilcoxon": _wilcoxon,
    "none": _none,
}
