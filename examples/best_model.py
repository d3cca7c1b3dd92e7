"""Finds a study's best trial in MLflow and asks its model about some test images.

Run in the folder of the store, after a study:  python examples/best_model.py mlp_grid
"""

import sys

import keras
import mlflow

from fmsearch.models.data import describe, load_test


def main(study: str) -> None:
    keras.config.disable_interactive_logging()
    mlflow.set_tracking_uri("sqlite:///mlruns/mlflow.db")
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name("fmsearch")
    (run,) = client.search_runs(
        [experiment.experiment_id],
        f"tags.`fmsearch.study` = '{study}' and tags.`fmsearch.role` = 'trial'",
        order_by=["metrics.score DESC"],
        max_results=1,
    )
    print(f"{run.info.run_name}: score {run.data.metrics['score']:.4f}, {run.data.params}")

    parent = client.get_run(run.data.tags["mlflow.parentRunId"])
    spec = parent.inputs.dataset_inputs[0].dataset.source
    names, test = describe(spec).class_names, load_test(spec)
    (logged,) = run.outputs.model_outputs
    model = mlflow.pyfunc.load_model(f"models:/{logged.model_id}")
    for label, probabilities in zip(test.labels[:5], model.predict(test.pixels[:5]), strict=True):
        guess = probabilities.argmax()
        print(f"{names[label]:>12} taken for {names[guess]} ({probabilities[guess]:.2f})")


if __name__ == "__main__":
    main(*sys.argv[1:])
