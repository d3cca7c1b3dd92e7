"""The published grid: fmsearch, scikit-learn's GridSearchCV, Keras Tuner's GridSearch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from peers.problem import FOLDS, Problem
from sklearn.model_selection import ParameterGrid

from fmsearch.search.space.load import load_space

from .commands import peer, study
from .pictures import bars
from .result import Result, Row, ratios, spread, table

TITLE = "The published grid"
ABOUT = """\
32 points of a perceptron, 3 folds, 45,000 images: 96 scored fits. fmsearch is timed from the
start of its command to its end, with tracking and all models. The others track nothing; their
time is that of the search alone, without the start of Python and TensorFlow in any of their
processes.
"""
SHORT = """
Of the peers, the 4 points of 20 epochs with dropout_rate 0.2 and rmsprop were measured, on the
first fold, and multiplied by the epochs of the whole grid: batch sizes and widths have the same
share in them, and what they leave out (adam, short fits) takes them more time for an epoch.
"""
SPACE = load_space("mlp_grid")
GRID: dict[str, list[Any]] = {
    name: list(one.domain.values) for name, one in SPACE.parameters.items()
}
SUBSET = {**GRID, "epochs": [20], "dropout_rate": [0.2], "optimizer": ["rmsprop"]}
PEERS = {
    "GridSearchCV, n_jobs=1": ("grid_search_cv", 1),
    "GridSearchCV, n_jobs=2": ("grid_search_cv", 2),
    "Keras Tuner GridSearch": ("keras_tuner_grid", 1),
}


@dataclass(frozen=True)
class Size:
    """How much is measured: peers take `points`, on `folds` of 3."""

    points: dict[str, list[Any]]
    folds: int
    images: int | None = None


SIZES = {
    "tiny": Size({**SUBSET, "epochs": [1], "batch_size": [128]}, 1, 2_000),
    "short": Size(SUBSET, 1),
    "long": Size(GRID, FOLDS),
}


def measure(form: str, folder: Path) -> Iterator[Row]:
    """Seconds of the whole grid, and the number of fits that were measured for it."""
    size = SIZES[form]
    of_all = len(ParameterGrid(GRID)) * FOLDS
    epochs = sum(point["epochs"] for point in ParameterGrid(GRID)) * FOLDS
    images = [] if size.images is None else ["--train-images", str(size.images)]
    ran = study(folder / "fmsearch", SPACE.text, *images)
    yield {"way": "fmsearch", "seconds": ran.seconds, "fits": of_all, "of": of_all}
    # The longest first, so that no process has one left for itself at the end.
    points = sorted(ParameterGrid(size.points), key=lambda p: -p["epochs"] / p["batch_size"])
    for way, (name, jobs) in PEERS.items():
        problem = Problem(images=size.images, jobs=jobs, points=points, folds=size.folds)
        _, said = peer(folder / name, name, problem)
        fits = len(points) * size.folds
        measured = sum(point["epochs"] for point in points) * size.folds
        seconds = said["seconds"] * epochs / measured
        yield {"way": way, "seconds": seconds, "fits": fits, "of": of_all}


def section(result: Result) -> str:
    """The table."""
    seconds = result.values("seconds")
    rows = [
        [
            way,
            f"{result.values('fits')[way][0]} of {result.values('of')[way][0]}",
            spread(values),
            spread([one / of for one, of in zip(values, result.values("of")[way], strict=True)], 2),
            spread(ratios(values, seconds["fmsearch"])),
        ]
        for way, values in seconds.items()
    ]
    header = "way | fits measured | whole grid, s | a scored fit, s | times as long as fmsearch"
    return table(header, rows) + (SHORT if result.form == "short" else "")


def draw(result: Result, axes: Axes) -> None:
    """Seconds of the whole grid."""
    bars(axes, result.values("seconds"), "seconds for the whole grid")
