"""Compares two registered models by McNemar's exact test on the test images.

python benchmarks/mcnemar.py models:/small@champion models:/cnn_4@champion
"""

from __future__ import annotations

import argparse
import os

import mlflow
import numpy as np

from fmsearch.models.data import FASHION_MNIST, load_test
from fmsearch.models.paired import Pair

DEFAULT_STORE = "sqlite:///mlruns/mlflow.db"


def main() -> None:
    """Print both accuracies and the test's p."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs=2, help="MLflow URIs of the two models")
    parser.add_argument("--data", default=FASHION_MNIST)
    arguments = parser.parse_args()
    mlflow.set_tracking_uri(os.environ.get("MLFLOW_TRACKING_URI", DEFAULT_STORE))
    images = load_test(arguments.data)
    right = []
    for uri in arguments.model:
        answers = mlflow.pyfunc.load_model(uri).predict(images.pixels)
        right.append(np.argmax(answers, axis=1) == images.labels)
        print(f"{uri}: test accuracy {right[-1].mean():.4f}")
    pair = Pair.of(*right)
    alone = f"right alone: {pair.first} and {pair.second} images"
    print(f"{alone}; McNemar's exact p = {pair.p_different:.2g}")


if __name__ == "__main__":
    main()
