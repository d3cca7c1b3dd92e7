"""Ray Tune with Optuna's sampler, its own ASHA scheduler and its MLflow logger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import ray
from ray import tune
from ray.air.integrations.mlflow import MLflowLoggerCallback
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.optuna import OptunaSearch

from .problem import Problem

NAME = "bench"
SPACE = {
    "filters_1": tune.qrandint(16, 32, 8),
    "filters_2": tune.qrandint(32, 64, 16),
    "filters_3": tune.qrandint(64, 128, 32),
    "convolutions_1": tune.randint(1, 3),
    "convolutions_2": tune.randint(1, 3),
    "dropout_rate": tune.uniform(0.0, 0.3),
    "learning_rate": tune.loguniform(3e-4, 1e-2),
}


def train(config: dict[str, Any], problem: Problem) -> None:
    """Train one trial and report each epoch."""
    from .networks import cnn

    images, held = problem.held_out
    model = cnn(
        filters=tuple(config[f"filters_{block}"] for block in (1, 2, 3)),
        convolutions=(config["convolutions_1"], config["convolutions_2"], 1),
        dropout_rate=config["dropout_rate"],
        learning_rate=config["learning_rate"],
    )
    report = keras.callbacks.LambdaCallback(on_epoch_end=lambda _, logs: tune.report(dict(logs)))
    model.fit(
        *images,
        validation_data=held,
        batch_size=128,
        epochs=problem.epochs,
        verbose=0,
        callbacks=[*problem.callbacks(), report],
    )


def search(problem: Problem) -> list[float]:
    """The best score of each trial."""
    ray.init(num_cpus=problem.jobs, include_dashboard=False, log_to_driver=False)
    tuner = tune.Tuner(
        tune.with_parameters(train, problem=problem),
        param_space=SPACE,
        tune_config=tune.TuneConfig(
            metric="val_accuracy",
            mode="max",
            num_samples=problem.trials,
            search_alg=OptunaSearch(seed=problem.seed),
            scheduler=ASHAScheduler(max_t=problem.epochs),
        ),
        run_config=tune.RunConfig(
            storage_path=str(Path("ray").resolve()),
            callbacks=[
                MLflowLoggerCallback(
                    f"sqlite:///{Path('mlflow.db').resolve()}", experiment_name=NAME
                )
            ],
            verbose=0,
        ),
    )
    results = tuner.fit()
    ray.shutdown()
    return [float(one.metrics_dataframe["val_accuracy"].max()) for one in results]
