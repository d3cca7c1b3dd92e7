"""A sampler that needs the space is added by one function and one registration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler

from fmsearch.search.engines.optuna_engine import OptunaEngine
from fmsearch.search.engines.strategy import choose_strategy
from fmsearch.search.samplers import SAMPLERS
from fmsearch.search.space.fit import example_point
from fmsearch.search.space.load import read_space
from fmsearch.search.space.parameters import Point
from fmsearch.search.space.space import Space
from fmsearch.search.storage.storage import open_storage
from fmsearch.search.storage.study_config import StudyConfig

from .contract import result_of

SPACE = """\
name: mine
model: mlp
engine: optuna
sampler: smallest_first
pruner: none
score: {by: validation}
parameters: {dropout_rate: {float: [0.1, 0.5]}, layers: {int: [2, 4]}}
"""


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


def test_one_function_and_one_registration_make_a_sampler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SAMPLERS, "smallest_first", smallest_first)
    space = read_space(SPACE, "mine")  # a space names it like every other
    config = StudyConfig(
        name="mine", space=space, data="data", data_sha256="sum", seed=0, train_images=None
    )
    stored = open_storage(f"sqlite:///{tmp_path / 'studies.db'}").open_study(config)
    strategy = choose_strategy(space, None, None, reproducible=False, jobs=1)
    engine = OptunaEngine(space, stored, strategy, 0)
    for _ in range(3):
        (trial,) = engine.ask()
        engine.tell(trial, result_of(trial, 0.5))
    points = [dict(trial.parameters) for trial in stored.trials()]
    assert points[0] == {"dropout_rate": 0.1, "layers": 2}
    assert len({str(point) for point in points}) == 3
