"""What every engine keeps: its tests inherit these by naming the engine.

class TestMine(EngineContract):
    engine = "mine"
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

from fmsearch.search.engines.engine import Engine
from fmsearch.search.engines.make import make_engine
from fmsearch.search.engines.strategy import Strategy
from fmsearch.search.result import Result
from fmsearch.search.space.load import read_space
from fmsearch.search.storage.storage import open_storage
from fmsearch.search.storage.stored_study import StoredStudy
from fmsearch.search.storage.study_config import StudyConfig
from fmsearch.search.trial import State, Trial, Verdict

SPACE = """\
name: mine
model: mlp
engine: %s
score: {by: validation}
fixed: {epochs: 2}
parameters:
  layers: [1, 2, 3]
  optimizer: [adam, sgd]
"""
POINTS = 6


def result_of(trial: Trial, score: float) -> Result:
    """What a training of two epochs might have given."""
    return Result(
        settings=dict(trial.parameters),
        seed=0,
        metrics={"score": score, "best_epoch": 2},
        history=(),
        confusion=(),
        parameters=1_000,
        fit_seconds=(1.0,),
        score_seconds=(0.1,),
        started_at=0,
        finished_at=1,
    )


class EngineContract:
    """Inherited by the tests of each engine."""

    engine: ClassVar[str]

    @pytest.fixture(autouse=True)
    def _study(self, tmp_path: Path) -> None:
        self._url = f"sqlite:///{tmp_path / 'studies.db'}"
        self._config = StudyConfig(
            name="mine",
            space=read_space(SPACE % self.engine, "mine"),
            data="data",
            data_sha256="sum",
            seed=0,
            train_images=None,
        )

    def start(self) -> tuple[Engine, StoredStudy]:
        """The engine of one more session, which takes up what the one before left."""
        stored = open_storage(self._url).open_study(self._config)
        stored.take_back()
        engine = make_engine(self._config.space, stored, Strategy("random", "none"), 0)
        engine.begin()
        return engine, stored

    def test_what_it_asks_for_runs_and_has_a_point_of_the_space(self) -> None:
        engine, stored = self.start()
        asked = engine.ask()
        assert asked
        for trial in asked:
            assert stored.trial(trial.number).state is State.RUNNING
            parameters = self._config.space.parameters
            assert trial.parameters.keys() == parameters.keys()
            assert all(parameters[name].domain.holds(trial.parameters[name]) for name in parameters)

    def test_no_number_is_asked_for_twice_and_a_finite_space_ends(self) -> None:
        engine, _ = self.start()
        numbers: list[int] = []
        while asked := engine.ask():
            for trial in asked:
                numbers.append(trial.number)
                assert engine.tell(trial, result_of(trial, 0.5))
            assert len(numbers) <= 50 * POINTS, "it never ends"
        assert sorted(numbers) == list(range(len(numbers)))
        assert len(numbers) >= POINTS

    def test_what_it_is_told_stands_in_the_storage(self) -> None:
        engine, stored = self.start()
        (trial, *_) = engine.ask()
        assert engine.tell(trial, result_of(trial, 0.75))
        told = stored.trial(trial.number)
        assert (told.state, told.score) == (State.COMPLETE, 0.75)

    def test_a_failed_trial_keeps_its_reason(self) -> None:
        engine, stored = self.start()
        (trial, *_) = engine.ask()
        assert engine.fail(trial, "the loss is nan")
        failed = stored.trial(trial.number)
        assert (failed.state, failed.reason) == (State.FAILED, "the loss is nan")

    def test_a_released_trial_is_asked_for_again_under_its_number(self) -> None:
        engine, stored = self.start()
        asked = engine.ask()
        for trial in asked:
            engine.release(trial)
        assert stored.trial(asked[0].number).state is State.WAITING
        numbers = []
        while again := engine.ask():
            numbers += [trial.number for trial in again]
        assert {trial.number for trial in asked} <= set(numbers)

    def test_after_the_last_step_nothing_is_pruned(self) -> None:
        engine, _ = self.start()
        (trial, *_) = engine.ask()
        assert engine.report(trial, 2, (0.1,), last=True) == Verdict()

    def test_the_next_session_keeps_what_was_told_and_takes_up_what_ran(self) -> None:
        engine, _ = self.start()
        told, running = engine.ask(), engine.ask()
        for trial in told:
            engine.tell(trial, result_of(trial, 0.5))
        later, stored = self.start()
        assert {stored.trial(one.number).state for one in told} == {State.COMPLETE}
        asked = [trial.number for trial in later.ask()]
        assert asked == [trial.number for trial in running]
