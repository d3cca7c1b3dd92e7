"""Compares two registered models by McNemar's exact test on the test images.

    python benchmarks/mcnemar.py models:/small@champion models:/cnn_4@champion

Images on which both are right, or both wrong, do not count. If neither model were better, each
would be right on half of the others (McNemar 1947; exact, by the binomial distribution).
"""

from __future__ import annotations

import argparse
import os

import mlflow
import numpy as np
from scipy.stats import binomtest

from fmsearch.models.data import FASHION_MNIST, load_test

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
    first, second = right
    only_first, only_second = int(np.sum(first & ~second)), int(np.sum(second & ~first))
    test = binomtest(only_first, only_first + only_second) if only_first + only_second else None
    p = test.pvalue if test else 1.0
    print(f"right alone: {only_first} and {only_second} images; McNemar's exact p = {p:.2g}")


if __name__ == "__main__":
    main()
