"""A study of a grid against scikit-learn's GridSearchCV itself."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GridSearchCV, KFold, RepeatedStratifiedKFold

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

KFOLD = "{by: cross_validation, folds: 3}"
GRID = f"""\
name: tiny
model: mlp
engine: keras_tuner
score: {KFOLD}
fixed: {{hidden_units: 12, batch_size: 32}}
parameters:
  optimizer: [rmsprop, adam]
  epochs: [2, 1]
  dropout_rate: [0.0, 0.25]
"""
SMALL = GRID.replace("[rmsprop, adam]", "[adam]").replace("[0.0, 0.25]", "[0.25]")


def choices(space: Space) -> dict[str, list[Any]]:
    """A grid as scikit-learn takes it."""
    domains = {name: parameter.domain for name, parameter in space.parameters.items()}
    return {name: list(one.values) for name, one in domains.items() if isinstance(one, Choice)}


@cache
def _pixels(images: str) -> Pixels:
    return Pixels(load_training(images), 10)


@cache
def _network(pixels: Pixels, settings: tuple[tuple[str, Any], ...]) -> Network:
    return Network(pixels, FAMILIES["mlp"], dict(settings))


class Perceptron(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # it is not typed
    """Calls the training function of this project; X are positions in the split's training rows."""

    def __init__(
        self, pixels: Any = None, rows: Any = None, folds: Any = None, optimizer: str = "",
        epochs: int = 0, dropout_rate: float = 0.0,
    ) -> None:  # fmt: skip
        self.pixels, self.rows, self.folds = pixels, rows, folds
        self.optimizer, self.epochs, self.dropout_rate = optimizer, epochs, dropout_rate

    def fit(self, positions: np.ndarray, _y: object) -> Perceptron:
        self.classes_ = np.arange(self.pixels.classes)
        point = {"optimizer": self.optimizer, "dropout_rate": self.dropout_rate}
        own = {"hidden_units": 12, "batch_size": 32, **point}
        self.network_ = _network(self.pixels, tuple(FAMILIES["mlp"].complete(own).items()))
        number = 1 + [len({*positions} & {*fold.validation}) for fold in self.folds].index(0)
        seed = derive_seed(training_seed(0, point), number)
        train = Fold(self.rows[positions], self.rows[:0])
        for _ in fit(self.network_, train, seed, self.epochs):
            pass
        return self

    def predict_proba(self, positions: np.ndarray) -> np.ndarray:
        return self.network_.evaluate(self.rows[positions], with_answers=True).known_answers[1]

    def predict(self, positions: np.ndarray) -> np.ndarray:
        return self.predict_proba(positions).argmax(axis=1)


class Silent:
    """Watches a study and says nothing."""

    def on_start(self, *_: object) -> None: ...
    def on_epoch(self, *_: object) -> None: ...
    def on_trial_end(self, *_: object) -> None: ...


Searches = tuple[GridSearchCV, StoredStudy]


@pytest.fixture(scope="class")
def searches(
    request: pytest.FixtureRequest, images: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[GridSearchCV, StoredStudy]:
    asked: type[Parity] = request.cls
    space = read_space(asked.grid.replace(KFOLD, asked.score), "")
    places = Places.of(tmp_path_factory.mktemp("store"))
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
    labels, positions = training.labels[rows], np.arange(len(rows), dtype=np.int32)
    folds = cut_folds(positions, space.folding, labels)
    estimator = Perceptron(_pixels(str(images)), rows, folds)
    search = GridSearchCV(
        estimator, choices(space), cv=asked.cv, scoring=asked.scoring, refit=False
    )
    search.fit(positions, labels)
    return search, open_storage(places.storage).study("tiny")


class Parity:
    """The same grid searched by scikit-learn in this process and by a study with two trainers.

    Attributes:
        score: What the space says.
        cv, scoring: What scikit-learn is told; None for its own default.
    """

    score: str
    cv: Any = None
    scoring: str | None = None
    grid = GRID

    def test_the_candidates_are_the_same_in_the_same_order(self, searches: Searches) -> None:
        theirs, ours = searches
        assert [dict(trial.parameters) for trial in ours.trials()] == theirs.cv_results_["params"]

    def test_the_scores_are_the_same_to_the_last_bit(self, searches: Searches) -> None:
        theirs, ours = searches
        results = cv_results(ours.trials())
        folds = [name for name in theirs.cv_results_ if name.startswith("split")]
        assert len(folds) == ours.config.space.folds
        for name in (*folds, "mean_test_score", "std_test_score", "rank_test_score"):
            assert results[name] == theirs.cv_results_[name].tolist()

    def test_the_columns_are_the_same(self, searches: Searches) -> None:
        theirs, ours = searches
        assert list(cv_results(ours.trials())) == list(theirs.cv_results_)

    def test_the_winner_is_the_same(self, searches: Searches) -> None:
        theirs, ours = searches
        best = best_trial(ours.trials())
        assert best is not None
        assert best.state is State.COMPLETE
        winner = int(np.argmin(theirs.cv_results_["rank_test_score"]))
        assert dict(best.parameters) == theirs.cv_results_["params"][winner]
        assert best.score == theirs.cv_results_["mean_test_score"][winner]


class TestThePublishedGridsFolds(Parity):
    score = KFOLD
    cv = KFold(3)


class TestItsOwnDefault(Parity):
    """Five stratified folds, as scikit-learn cuts them for a classifier."""

    score = "{by: cross_validation, folds: 5, stratified: true}"
    grid = SMALL


class TestMacroF1(Parity):
    score = "{by: cross_validation, folds: 3, metric: macro_f1}"
    cv = KFold(3)
    scoring = "f1_macro"
    grid = SMALL


class TestLogLossOnRepeatedFolds(Parity):
    score = (
        "{by: cross_validation, folds: 2, stratified: true, shuffle: true, repeats: 2, "
        "metric: log_loss}"
    )
    cv = RepeatedStratifiedKFold(n_splits=2, n_repeats=2, random_state=0)
    scoring = "neg_log_loss"
    grid = SMALL
