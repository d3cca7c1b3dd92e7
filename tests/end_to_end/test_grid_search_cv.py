"""A study of a grid against scikit-learn's GridSearchCV itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.model_selection import GridSearchCV, KFold

from fmsearch.models.data import describe, load_training
from fmsearch.models.families import FAMILIES
from fmsearch.models.network import Network, Pixels
from fmsearch.models.seeds import derive_seed
from fmsearch.models.split import Fold, cut_folds, split_rows
from fmsearch.models.training import fit
from fmsearch.places import Places
from fmsearch.search.runs.tables import cv_results
from fmsearch.search.space.load import read_space
from fmsearch.search.space.parameters import Choice
from fmsearch.search.space.space import Space
from fmsearch.search.storage.storage import open_storage
from fmsearch.search.storage.stored_study import StoredStudy
from fmsearch.search.study.plan import Plan
from fmsearch.search.study.run import run_study
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


def choices(space: Space) -> dict[str, list[Any]]:
    """A grid as scikit-learn takes it."""
    domains = {name: parameter.domain for name, parameter in space.parameters.items()}
    return {name: list(one.values) for name, one in domains.items() if isinstance(one, Choice)}


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
