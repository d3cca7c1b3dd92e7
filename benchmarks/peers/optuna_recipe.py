"""Optuna as its users combine it: a pruning callback, MLflow's autologging, a figure a trial.

With several jobs, processes share the study through a journal file.
"""

from __future__ import annotations

import multiprocessing
from functools import partial

import keras
import matplotlib.pyplot as plt
import mlflow
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna_integration import KerasPruningCallback
from sklearn.metrics import ConfusionMatrixDisplay

from .networks import cnn
from .problem import Problem

NAME = "bench"


def objective(trial: optuna.Trial, problem: Problem) -> float:
    """The best validation accuracy of one training."""
    keras.utils.clear_session()
    train, held = problem.held_out
    model = cnn(
        filters=(
            trial.suggest_int("filters_1", 16, 32, step=8),
            trial.suggest_int("filters_2", 32, 64, step=16),
            trial.suggest_int("filters_3", 64, 128, step=32),
        ),
        convolutions=(
            trial.suggest_int("convolutions_1", 1, 2),
            trial.suggest_int("convolutions_2", 1, 2),
            1,
        ),
        dropout_rate=trial.suggest_float("dropout_rate", 0.0, 0.3),
        learning_rate=trial.suggest_float("learning_rate", 3e-4, 1e-2, log=True),
    )
    with mlflow.start_run(run_name=f"trial {trial.number}"):
        mlflow.log_params(trial.params)
        history = model.fit(
            *train,
            validation_data=held,
            batch_size=128,
            epochs=problem.epochs,
            verbose=0,
            callbacks=[KerasPruningCallback(trial, "val_accuracy"), *problem.callbacks()],
        )
        predicted = model.predict(held[0], verbose=0).argmax(axis=1)
        matrix = ConfusionMatrixDisplay.from_predictions(held[1], predicted)
        mlflow.log_figure(matrix.figure_, "confusion_matrix.png")
        plt.close(matrix.figure_)
    return max(history.history["val_accuracy"])


def open_study(problem: Problem, process: int = 0) -> optuna.Study:
    """The study in the working folder."""
    return optuna.create_study(
        study_name=NAME,
        direction="maximize",
        storage=JournalStorage(JournalFileBackend("journal.log")),
        sampler=optuna.samplers.TPESampler(seed=problem.seed + process),
        pruner=optuna.pruners.MedianPruner(),
        load_if_exists=True,
    )


def optimize(problem: Problem, process: int) -> None:
    """Run one process's trials."""
    plt.switch_backend("agg")
    mlflow.set_tracking_uri("sqlite:///mlflow.db")
    mlflow.set_experiment(NAME)
    mlflow.keras.autolog()
    trials = len(range(process, problem.trials, problem.jobs))
    open_study(problem, process).optimize(partial(objective, problem=problem), n_trials=trials)


def search(problem: Problem) -> list[float]:
    """The scores of the trials that were not pruned."""
    open_study(problem)
    if problem.jobs == 1:
        optimize(problem, 0)
    else:
        mlflow.set_tracking_uri("sqlite:///mlflow.db")
        mlflow.set_experiment(NAME)  # makes the database, which two at once cannot
        context = multiprocessing.get_context("spawn")
        arguments = [(problem, process) for process in range(problem.jobs)]
        with context.Pool(problem.jobs) as pool:
            pool.starmap(optimize, arguments, chunksize=1)
    complete = (optuna.trial.TrialState.COMPLETE,)
    return [float(t.value or 0) for t in open_study(problem).get_trials(states=complete)]
