"""scikit-learn's `GridSearchCV` around SciKeras' `KerasClassifier`."""

from __future__ import annotations

from scikeras.wrappers import KerasClassifier
from sklearn.model_selection import GridSearchCV

from .networks import mlp
from .problem import Problem


def search(problem: Problem) -> list[float]:
    """The mean score of each point."""
    x, y, folds = problem.folded
    estimator = KerasClassifier(
        mlp,
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        callbacks=problem.callbacks(),
        inputs=x.shape[1],
        hidden_units=None,
        dropout_rate=None,
        random_state=problem.seed,
        verbose=0,
    )
    grid = [{name: [value] for name, value in point.items()} for point in problem.points]
    found = GridSearchCV(
        estimator,
        grid,
        cv=[(fold.train, fold.validation) for fold in folds],
        n_jobs=problem.jobs,
        refit=False,
    )
    return list(found.fit(x, y).cv_results_["mean_test_score"])
