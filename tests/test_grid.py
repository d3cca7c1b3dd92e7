"""The grid: Keras Tuner's views, the order of points, and scikit-learn's GridSearchCV itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.model_selection import GridSearchCV, KFold, ParameterGrid

from fmsearch.models.data import load_training
from fmsearch.models.families import FAMILIES
from fmsearch.models.network import Network, Pixels
from fmsearch.models.seeds import derive_seed
from fmsearch.models.split import Fold, cut_folds, split_rows
from fmsearch.models.training import fit
from fmsearch.search.engines.grid_engine import GridEngine
from fmsearch.search.engines.grid_oracle import enumerate_points, keras_tuner_oracle
from fmsearch.search.result import Result
from fmsearch.search.runs.tables import cv_results
from fmsearch.search.space.load import load_space, read_space
from fmsearch.search.space.parameters import Choice
from fmsearch.search.space.space import Space
from fmsearch.search.storage.storage import open_storage
from fmsearch.search.storage.stored_study import StoredStudy
from fmsearch.search.storage.study_config import StudyConfig
from fmsearch.search.trial import State, best_trial, training_seed

GRID = """\
name: tiny
model: mlp
engine: keras_tuner
score: {by: cross_validation, folds: 3}
fixed: {hidden_units: 12, batch_size: 32}
parameters:
  optimizer: [rmsprop, adam]
  epochs: [2, 1]
  dropout_rate: [0.0, 0.25]
"""


def grid_storage(folder: Path, text: str = GRID) -> StoredStudy:
    config = StudyConfig(
        name="tiny",
        space=read_space(text, "mine"),
        data="data",
        data_sha256="sum",
        seed=0,
        train_images=None,
    )
    return open_storage(f"sqlite:///{folder / 'studies.db'}").open_study(config)


def result_with(score: float) -> Result:
    folds = {f"fold_{fold}_score": score for fold in (1, 2, 3)}
    metrics = {"score": score, "score_std": 0.0, **folds}
    return Result(
        settings={},
        seed=0,
        metrics=metrics,
        history=(),
        confusion=(),
        parameters=0,
        fit_seconds=(1.0, 1.0, 1.0),
        score_seconds=(0.1, 0.1, 0.1),
        started_at=0,
        finished_at=0,
    )


def grid_on(stored: StoredStudy, space: Space | None = None) -> GridEngine:
    """An engine that has begun; Keras Tuner enumerates in this process."""
    space = space or read_space(GRID, "")
    stored.enqueue(enumerate_points(space.choices), space.choices)
    engine = GridEngine(space, stored)
    engine.begin()
    return engine


def choices(space: Space) -> dict[str, list[Any]]:
    """A grid as scikit-learn takes it."""
    domains = {name: parameter.domain for name, parameter in space.parameters.items()}
    return {name: list(one.values) for name, one in domains.items() if isinstance(one, Choice)}


def ask_all(engine: GridEngine) -> Iterator[tuple[Any, ...]]:
    while trials := engine.ask():
        yield trials


def test_points_come_in_the_order_of_scikit_learns_parameter_grid(tmp_path: Path) -> None:
    space = load_space("mlp_grid")
    stored = grid_storage(tmp_path)
    grid_on(stored, space)
    expected = list(ParameterGrid(choices(space)))
    assert [dict(trial.parameters) for trial in stored.trials()] == expected


def test_trials_that_differ_only_in_epochs_are_asked_together(tmp_path: Path) -> None:
    groups = list(ask_all(grid_on(grid_storage(tmp_path))))
    assert [[trial.parameters["epochs"] for trial in group] for group in groups] == [[2, 1]] * 4
    assert sorted(trial.number for group in groups for trial in group) == list(range(8))


def test_keras_tuner_sees_every_score_and_the_first_of_equals_wins(tmp_path: Path) -> None:
    stored = grid_storage(tmp_path)
    engine = grid_on(stored)
    scores = [0.5, 0.7, 0.6, 0.7, 0.1, 0.7, 0.2, 0.3]
    for group in ask_all(engine):
        for trial in group:
            engine.tell(trial, result_with(scores[trial.number]))
    best = best_trial(stored.trials())
    assert best is not None
    assert best.number == 1
    ranked = keras_tuner_oracle(stored).get_best_trials(8)
    assert ranked[0].hyperparameters.values == dict(best.parameters)
    assert [trial.score for trial in ranked] == sorted(scores, reverse=True)


def test_a_resumed_grid_keeps_finished_trials_and_asks_the_rest_once(tmp_path: Path) -> None:
    stored = grid_storage(tmp_path)
    first = grid_on(stored)
    told, lost = first.ask(), first.ask()
    first.tell(told[0], result_with(0.9))
    first.fail(told[1], "why")

    later = grid_storage(tmp_path)
    later.take_back()
    second = grid_on(later)
    asked = [trial.number for group in ask_all(second) for trial in group]
    assert sorted(asked) == sorted({*range(8)} - {trial.number for trial in told})
    assert {trial.number for trial in lost} <= set(asked)
    assert len(stored.trials()) == 8
    assert keras_tuner_oracle(stored).get_best_trials(1)[0].score == 0.9
    assert stored.trials()[told[1].number].reason == "why"


def test_a_released_trial_is_asked_again_under_its_number(tmp_path: Path) -> None:
    engine = grid_on(grid_storage(tmp_path))
    taken = engine.ask()
    for trial in taken:
        engine.release(trial)
    again = [trial.number for group in ask_all(engine) for trial in group]
    assert sorted(again) == list(range(8))


class Perceptron(BaseEstimator):  # type: ignore[misc]  # scikit-learn is not typed
    """Calls the training function of this project; X are positions in the split's training rows."""

    def __init__(
        self, pixels: Any = None, rows: Any = None, optimizer: str = "", epochs: int = 0,
        dropout_rate: float = 0.0,
    ) -> None:  # fmt: skip
        self.pixels, self.rows = pixels, rows
        self.optimizer, self.epochs, self.dropout_rate = optimizer, epochs, dropout_rate

    def fit(self, positions: np.ndarray, _y: object = None) -> Perceptron:
        point = {"optimizer": self.optimizer, "dropout_rate": self.dropout_rate}
        settings = FAMILIES["mlp"].complete({"hidden_units": 12, "batch_size": 32, **point})
        self.network_ = Network(self.pixels, FAMILIES["mlp"], settings)
        number = 1 + [len(set(positions) & set(fold.validation)) for fold in self._folds()].index(0)
        seed = derive_seed(training_seed(0, point), number)
        train = Fold(self.rows[positions], self.rows[:0])
        for _ in fit(self.network_, train, seed, self.epochs):
            pass
        return self

    def _folds(self) -> tuple[Fold, ...]:
        return cut_folds(np.arange(len(self.rows), dtype=np.int32), 3)

    def score(self, positions: np.ndarray, _y: object = None) -> float:
        return self.network_.evaluate(self.rows[positions]).accuracy


@pytest.fixture(scope="module")
def searches(
    images: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[GridSearchCV, StoredStudy]:
    """The same grid searched by scikit-learn in this process and by a study with two trainers."""
    from fmsearch.models.data import describe
    from fmsearch.places import Places
    from fmsearch.search.study.plan import Plan
    from fmsearch.search.study.run import run_study

    home = tmp_path_factory.mktemp("store")
    space = read_space(GRID, "")
    places = Places.of(home)
    plan = Plan(
        space=space,
        name="tiny",
        data=describe(str(images)),
        seed=0,
        jobs=2,
        train_images=400,
        places=places,
        offline=True,
    )
    run_study(plan, Silent())

    training = load_training(str(images))
    rows = split_rows(training.labels, 400).train
    estimator = Perceptron(Pixels(training, 10), rows)
    search = GridSearchCV(estimator, choices(space), cv=KFold(3), refit=False)
    search.fit(np.arange(len(rows)))
    return search, open_storage(places.storage).study("tiny")


class Silent:
    """Watches a study and says nothing."""

    def on_start(self, *_: object) -> None: ...
    def on_epoch(self, *_: object) -> None: ...
    def on_trial_end(self, *_: object) -> None: ...


Searches = tuple[GridSearchCV, StoredStudy]


def test_a_study_has_gridsearchcvs_candidates_in_the_same_order(searches: Searches) -> None:
    theirs, ours = searches
    assert [dict(trial.parameters) for trial in ours.trials()] == theirs.cv_results_["params"]


def test_a_study_has_gridsearchcvs_scores_to_the_last_bit(searches: Searches) -> None:
    theirs, ours = searches
    results = cv_results(ours.trials())
    for fold in range(3):
        name = f"split{fold}_test_score"
        assert results[name] == theirs.cv_results_[name].tolist()
    for name in ("mean_test_score", "std_test_score", "rank_test_score"):
        assert results[name] == theirs.cv_results_[name].tolist()


def test_a_study_has_gridsearchcvs_columns(searches: Searches) -> None:
    theirs, ours = searches
    assert list(cv_results(ours.trials())) == list(theirs.cv_results_)


def test_a_study_has_gridsearchcvs_winner(searches: Searches) -> None:
    theirs, ours = searches
    best = best_trial(ours.trials())
    assert best is not None
    assert best.state is State.COMPLETE
    winner = int(np.argmin(theirs.cv_results_["rank_test_score"]))
    assert dict(best.parameters) == theirs.cv_results_["params"][winner]
    assert best.score == theirs.cv_results_["mean_test_score"][winner]
