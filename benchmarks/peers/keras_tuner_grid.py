"""Keras Tuner's own `GridSearch`, with cross-validation in `run_trial`."""

from __future__ import annotations

import tempfile
from typing import Any

import keras
import keras_tuner
import numpy as np

from .networks import mlp
from .problem import Problem


class CrossValidation(keras_tuner.GridSearch):
    """A trial's score is the mean over the folds."""

    def run_trial(self, trial: Any, problem: Problem, verbose: int) -> float:
        x, y, folds = problem.folded
        point, scores = trial.hyperparameters.values, []
        for fold in folds:
            keras.utils.set_random_seed(problem.seed)
            model = mlp(point["hidden_units"], point["dropout_rate"], x.shape[1])
            loss = "sparse_categorical_crossentropy"
            model.compile(point["optimizer"], loss, metrics=["accuracy"])
            model.fit(
                x[fold.train],
                y[fold.train],
                batch_size=point["batch_size"],
                epochs=point["epochs"],
                callbacks=problem.callbacks(),
                verbose=verbose,
            )
            held = x[fold.validation], y[fold.validation]
            scores.append(model.evaluate(*held, point["batch_size"], verbose)[1])
        return float(np.mean(scores))


def search(problem: Problem) -> list[float]:
    """The score of each point, in the order of `problem.points`."""
    hyperparameters = keras_tuner.HyperParameters()
    for name in problem.points[0]:
        values = sorted({point[name] for point in problem.points})
        hyperparameters.Choice(name, values)
    with tempfile.TemporaryDirectory() as folder:
        tuner = CrossValidation(
            hyperparameters=hyperparameters,
            objective=keras_tuner.Objective("accuracy", "max"),
            directory=folder,
        )
        tuner.search(problem, verbose=0)
        trials = tuner.oracle.trials.values()
        found = {tuple(sorted(t.hyperparameters.values.items())): t.score for t in trials}
    return [found[tuple(sorted(point.items()))] for point in problem.points]
