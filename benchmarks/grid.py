"""Times the whole published grid, in fmsearch and in scikit-learn's GridSearchCV.

    python benchmarks/grid.py                 # everything, about 11 minutes on 2 cores
    python benchmarks/grid.py --rounds 3      # medians of three rounds
    python benchmarks/grid.py --only fmsearch --only "fmsearch, --offline"    # what tracking costs

GridSearchCV, with Keras' wrapper, runs a sixth of its fits: all 16 points with dropout 0.2, on the
first of the three folds; each batch size, epoch count, width and optimizer has the same share as in
the whole grid. The sample is timed warm (TensorFlow loaded, one fit done in each process) and
multiplied by 6. fmsearch is timed from the start of its process to the end, tracking included.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

SHARE = 6
SAMPLE = {"dropout_rate": [0.2], "hidden_units": [64, 128], "optimizer": ["adam", "rmsprop"]}
FITS = {"batch_size": [64, 128], "epochs": [10, 20]}


# The wrapper also passes the data, by the names X and y.
def build(X: Any, y: Any, hidden_units: int, dropout_rate: float, optimizer: str) -> Any:  # noqa: ARG001, N803
    """The published network, in its usual form."""
    import keras

    model = keras.Sequential(
        [
            keras.Input((784,)),
            keras.layers.Dense(hidden_units, activation="relu"),
            keras.layers.Dropout(dropout_rate),
            keras.layers.Dense(hidden_units // 2, activation="relu"),
            keras.layers.Dropout(dropout_rate),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer, "categorical_crossentropy", metrics=["accuracy"])
    return model


def grid_search(jobs: int) -> None:
    """Print how many seconds GridSearchCV takes for the sample."""
    import keras
    from keras.wrappers import SKLearnClassifier
    from sklearn.model_selection import GridSearchCV, KFold, ParameterGrid

    from fmsearch.models.data import FASHION_MNIST, load_training
    from fmsearch.models.split import split_rows

    keras.config.disable_interactive_logging()  # progress bars take time
    images = load_training(FASHION_MNIST)
    rows = split_rows(images.labels).train
    x = (images.pixels[rows].reshape(len(rows), -1) / 255).astype("float32")
    y = images.labels[rows]

    def search(fit_kwargs: list[dict[str, int]], rows: int) -> GridSearchCV:
        points = {"model_kwargs": list(ParameterGrid(SAMPLE)), "fit_kwargs": fit_kwargs}
        first_fold = list(KFold(3).split(x[:rows]))[:1]
        estimator = SKLearnClassifier(build, model_kwargs={}, fit_kwargs={})
        found = GridSearchCV(estimator, points, cv=first_fold, n_jobs=jobs, refit=False)
        return found.fit(x[:rows], y[:rows])

    search([{"batch_size": 64, "epochs": 1, "verbose": 0}], 3000)
    begin = time.perf_counter()
    found = search([{**fits, "verbose": 0} for fits in ParameterGrid(FITS)], len(x))
    seconds = time.perf_counter() - begin
    print(json.dumps({"seconds": seconds, "best": max(found.cv_results_["mean_test_score"])}))


def time_grid_search(jobs: int) -> float:
    """Seconds for the whole grid, scaled from the sample."""
    command = [sys.executable, __file__, "--grid-search", str(jobs)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return float(json.loads(done.stdout.splitlines()[-1])["seconds"]) * SHARE


def time_study(*options: str) -> float:
    """Seconds from the start of `fmsearch study` to its end, in an empty folder."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MLFLOW", "FMSEARCH_"))
    }
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "fmsearch.cli", "study", "--space", "mlp_grid", *options]
        begin = time.perf_counter()
        subprocess.run(command, cwd=folder, env=clean, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - begin


def coordinator_seconds() -> float:
    """CPU seconds of all studies so far, without those of their trainers.

    The system counts processes that were waited for: coordinators, which draw figures and talk to
    MLflow, but not trainers, which a fork server has started.
    """
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


WAYS: dict[str, Callable[[], float]] = {
    "fmsearch": time_study,
    "fmsearch, --offline": lambda: time_study("--offline"),
    "GridSearchCV, n_jobs=1": lambda: time_grid_search(1),
    "GridSearchCV, n_jobs=2": lambda: time_grid_search(2),
}


def main() -> None:
    """Run the rounds and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=1, help="times each way is run")
    parser.add_argument("--only", choices=WAYS, action="append", help="leave out other ways")
    parser.add_argument("--grid-search", type=int, metavar="JOBS", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.grid_search:
        grid_search(arguments.grid_search)
        return
    ways = {way: WAYS[way] for way in WAYS if way in (arguments.only or WAYS)}
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(1, arguments.rounds + 1):
        for way, measure in ways.items():
            before = coordinator_seconds()
            seconds[way].append(measure())
            spent = f", {coordinator_seconds() - before:.1f} s of CPU in its coordinator"
            said = spent if way.startswith("fmsearch") else ""
            print(f"round {number}: {way}: {seconds[way][-1]:.1f} s{said}", flush=True)
    ours = next(iter(seconds.values()))
    print(f"{'way':<24} {'median s':>9}   times as long as the first, median")
    for way, measured in seconds.items():
        ratio = statistics.median(a / b for a, b in zip(measured, ours, strict=True))
        print(f"{way:<24} {statistics.median(measured):>9.1f}   {ratio:.2f}")


if __name__ == "__main__":
    main()
