"""A sampler that needs the space: one function and one registration; it keeps the contract."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import optuna
import pytest
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler

from fmsearch.search.samplers import SAMPLERS
from fmsearch.search.space.fit import example_point
from fmsearch.search.space.parameters import Point
from fmsearch.search.space.space import Space

from .sampler_contract import SamplerContract


class SmallestFirst(optuna.samplers.RandomSampler):
    """Begins with the lowest value of every parameter, then draws."""

    def __init__(self, lowest: Point, seed: int) -> None:
        super().__init__(seed)
        self._lowest = lowest

    def sample_independent(
        self,
        study: optuna.Study,
        trial: optuna.trial.FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        if trial.number == 0:
            return self._lowest[param_name]
        return super().sample_independent(study, trial, param_name, param_distribution)


def smallest_first(space: Space, seed: int) -> BaseSampler:
    return SmallestFirst(example_point(space), seed)


@pytest.fixture(autouse=True, scope="module")
def registered() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SAMPLERS, "smallest_first", smallest_first)
        yield


class TestSmallestFirst(SamplerContract):
    sampler = "smallest_first"

    def test_it_begins_with_the_lowest_values_of_the_space(self, once: list[Point]) -> None:
        assert dict(once[0]) == {
            "optimizer": "adam", "batch_norm": True, "hidden_units": 8, "batch_size": 16,
            "dropout_rate": 0.0, "learning_rate": 0.0001,
        }  # fmt: skip
        assert len({str(point) for point in once}) == self.trials
