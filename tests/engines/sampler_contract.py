"""What every sampler keeps: its tests inherit these by naming the sampler.

class TestMine(SamplerContract):
    sampler = "mine"
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from fmsearch.errors import FmsearchError
from fmsearch.search.engines.optuna_engine import OptunaEngine
from fmsearch.search.engines.strategy import Strategy, choose_strategy
from fmsearch.search.samplers import make_sampler
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
sampler: %s
pruner: none
score: {by: validation}
parameters:
  optimizer: [adam, sgd]
  batch_norm: [true, false]
  hidden_units: {int: [8, 64], step: 8}
  batch_size: {int: [16, 256], log: true}
  dropout_rate: {float: [0.0, 0.5]}
  learning_rate: {float: [0.0001, 0.1], log: true}
  momentum: {float: [0.0, 0.9], when: {optimizer: sgd}}
"""
"""Every kind of parameter."""


class SamplerContract:
    """Inherited by the tests of each sampler.

    Attributes:
        sampler: A key of `SAMPLERS`.
        trials: So many that the last ones follow from what the first ones gave.
    """

    sampler: ClassVar[str]
    trials: ClassVar[int] = 13

    @classmethod
    def space(cls) -> Space:
        return read_space(SPACE % cls.sampler, "mine")

    @classmethod
    def proposals(
        cls, home: Path, *, seed: int = 0, trials: int | None = None, restarts: bool = False,
        lag: int = 0,
    ) -> list[Point]:  # fmt: skip
        """What a study on a storage of its own tries; some of its trials fail, or are pruned."""
        home.mkdir()
        space = cls.space()
        config = StudyConfig(
            name="mine", space=space, data="data", data_sha256="sum", seed=seed, train_images=None,
            lag=lag,
        )  # fmt: skip
        stored = open_storage(f"sqlite:///{home / 'studies.db'}").open_study(config)
        strategy = Strategy(cls.sampler, "none", lag)
        engine = OptunaEngine(space, stored, strategy, seed)
        for number in range(trials or cls.trials):
            if restarts:
                engine = OptunaEngine(space, stored, strategy, seed)
            (trial,) = engine.ask()
            if number % 5 == 3:
                engine.fail(trial, "the loss is nan")
                continue
            result = result_of(trial, 0.9 - float(trial.parameters["dropout_rate"]))
            engine.tell(trial, replace(result, pruned="hopeless" if number % 5 == 4 else ""))
        return [trial.parameters for trial in stored.trials()]

    @pytest.fixture(scope="class")
    @classmethod
    def once(cls, tmp_path_factory: pytest.TempPathFactory) -> list[Point]:
        """What one study tries."""
        return cls.proposals(tmp_path_factory.mktemp(cls.sampler) / "once")

    def test_it_is_made_in_silence(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            make_sampler(self.sampler, self.space(), 0)

    def test_what_it_proposes_are_points_of_the_space(self, once: list[Point]) -> None:
        parameters = self.space().parameters
        for point in once:
            applies = {name for name, one in parameters.items() if one.applies(point)}
            assert point.keys() == applies
            assert all(parameters[name].domain.holds(value) for name, value in point.items())

    def test_what_it_proposes_depends_on_seed_number_and_history_but_not_on_restarts(
        self, once: list[Point], tmp_path: Path
    ) -> None:
        assert self.proposals(tmp_path / "restarted", restarts=True) == once
        other = self.proposals(tmp_path / "other", seed=1, trials=3)
        assert other != once[:3]

    def test_it_goes_with_reproducible_studies_only_if_these_can_be_repeated(
        self, tmp_path: Path
    ) -> None:
        try:
            choose_strategy(self.space(), None, None, reproducible=True, jobs=1)
        except FmsearchError:  # it is refused
            return
        once = self.proposals(tmp_path / "once", lag=1)
        assert self.proposals(tmp_path / "again", lag=1, restarts=True) == once
