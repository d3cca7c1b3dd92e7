"""Engines by name: the ones that there are, and one more."""

from __future__ import annotations

from pathlib import Path

import pytest
from sklearn.model_selection import ParameterGrid

from fmsearch.models.data import describe
from fmsearch.places import Places
from fmsearch.search.engines.grid_engine import GridEngine
from fmsearch.search.engines.make import EngineFactory, make_engine
from fmsearch.search.engines.optuna_engine import OptunaEngine
from fmsearch.search.engines.strategy import Strategy
from fmsearch.search.space.engine_traits import ENGINES, EngineTraits
from fmsearch.search.space.load import read_space
from fmsearch.search.space.space import Space
from fmsearch.search.storage.storage import open_storage
from fmsearch.search.storage.stored_study import StoredStudy
from fmsearch.search.storage.study_config import StudyConfig
from fmsearch.search.study.plan import Plan
from fmsearch.search.study.run import run_study
from fmsearch.search.trial import State, Trial, Verdict

SPACE = """\
name: mine
model: mlp
engine: %s
score: {by: validation}
fixed: {hidden_units: 8, epochs: 1}
parameters: {layers: [1, 2]}
"""
KINDS: dict[str, EngineFactory] = {"keras_tuner": GridEngine, "optuna": OptunaEngine}


class Backwards:
    """Tries the points of a grid from the last to the first."""

    asks_ahead = True

    def __init__(self, space: Space, stored: StoredStudy, *_: object) -> None:
        self._space, self._stored = space, stored
        self.tell, self.repeat, self.fail = stored.tell, stored.repeat, stored.fail

    def begin(self) -> None:
        choices = self._space.choices
        self._stored.enqueue(list(ParameterGrid({**choices}))[::-1], choices)

    def ask(self, *, begin: bool = True, **_: bool) -> tuple[Trial, ...]:
        if not begin:
            return ()
        for trial in self._stored.trials():
            if trial.state is State.WAITING and self._stored.take(trial.number):
                return (trial,)
        return ()

    def report(self, *_: object, last: bool) -> Verdict:
        return Verdict()

    def release(self, trial: Trial) -> None:
        self._stored.release(trial.number)


class Silent:
    """Watches a study and says nothing."""

    def on_start(self, *_: object) -> None: ...
    def on_epoch(self, *_: object) -> None: ...
    def on_trial_pause(self, *_: object) -> None: ...
    def on_trial_end(self, *_: object) -> None: ...


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_is_made_by_its_name_and_makes_no_trial_before_it_begins(
    tmp_path: Path, name: str
) -> None:
    config = StudyConfig(
        name="mine",
        space=read_space(SPACE % name, "mine"),
        data="data",
        data_sha256="sum",
        seed=0,
        train_images=None,
    )
    stored = open_storage(f"sqlite:///{tmp_path / 'studies.db'}").open_study(config)
    engine = make_engine(stored.config.space, stored, Strategy("random", "none"), 0)
    assert type(engine) is KINDS[name]
    assert stored.trials() == []


def test_one_class_and_one_registration_make_an_engine(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    traits = EngineTraits(f"{__name__}:Backwards", tries_every_point=True)
    monkeypatch.setitem(ENGINES, "backwards", traits)
    space = read_space(SPACE % "backwards", "mine")
    plan = Plan(
        space=space,
        name="mine",
        data=describe(str(images)),
        seed=0,
        jobs=1,
        train_images=400,
        places=Places.of(tmp_path),
        offline=True,
    )
    trials = run_study(plan, Silent()).trials
    assert [trial.parameters["layers"] for trial in trials] == [2, 1]
    assert {trial.state for trial in trials} == {State.COMPLETE}
