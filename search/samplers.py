"""Samplers: Optuna's algorithms that propose the points of a study, by name.

To add one, write a function that takes the space and a seed, and give it a name in `SAMPLERS`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

    from .space.space import Space


def make_sampler(name: str, space: Space, seed: int) -> BaseSampler:
    """The sampler of that name, for one space; its random state depends on `seed` alone."""
    import optuna

    with warnings.catch_warnings():
        # Optuna warns of features that may change in later versions; its version is pinned.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return SAMPLERS[name](space, seed)


def _tpe(space: Space, seed: int) -> BaseSampler:  # noqa: ARG001
    import optuna

    # `group`: conditional parameters are sampled in groups that apply together.
    return optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True)


def _random(space: Space, seed: int) -> BaseSampler:  # noqa: ARG001
    import optuna

    return optuna.samplers.RandomSampler(seed=seed)


def _nsga2(space: Space, seed: int) -> BaseSampler:  # noqa: ARG001
    import optuna

    return optuna.samplers.NSGAIISampler(seed=seed, population_size=20)


SAMPLERS: dict[str, Callable[[Space, int], BaseSampler]] = {
    "tpe": _tpe,
    "random": _random,
    "nsga2": _nsga2,
}
