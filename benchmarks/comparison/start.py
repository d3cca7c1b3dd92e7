"""From the start of a command to the end of its first epoch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from matplotlib.axes import Axes
from peers.problem import SPACE, Problem

from .commands import curve, peer, study
from .pictures import bars
from .result import Result, Row, spread, table

TITLE = "From a command to its first epoch"
ABOUT = """\
Until the first epoch of the first trial has ended: of a perceptron on 30,000 images, and of
convolutional networks on 3,000.
"""
MLP = """\
name: start
model: mlp
engine: optuna
sampler: random
pruner: none
score: {by: validation}
fixed: {epochs: 1, batch_size: 64, optimizer: adam, hidden_units: 64}
parameters: {dropout_rate: [0.2]}
"""
POINT = {
    "batch_size": 64,
    "dropout_rate": 0.2,
    "epochs": 1,
    "hidden_units": 64,
    "optimizer": "adam",
}
CNN_IMAGES, MLP_IMAGES = 4_000, 40_000
PERCEPTRONS = {"GridSearchCV": "grid_search_cv", "Keras Tuner GridSearch": "keras_tuner_grid"}
CONVOLUTIONS = {"Optuna recipe": "optuna_recipe", "Ray Tune": "ray_tune"}
ROUNDS = {"tiny": 1, "short": 1, "long": 5}


def measure(form: str, folder: Path) -> Iterator[Row]:
    """Seconds to the first epoch of each way, of each round."""
    for number in range(1, ROUNDS[form] + 1):
        home = folder / str(number)
        yield ours(home / "mlp", "fmsearch, perceptron", MLP, MLP_IMAGES)
        # A fold leaves 30,000 of 45,000 images to train on, as many as three quarters of 40,000.
        for way, name in PERCEPTRONS.items():
            yield theirs(home / name, way, name, Problem(points=[POINT], folds=1))
        yield ours(
            home / "cnn", "fmsearch, convolutional", SPACE.replace("EPOCHS", "1"), CNN_IMAGES
        )
        for way, name in CONVOLUTIONS.items():
            yield theirs(home / name, way, name, Problem(images=CNN_IMAGES, trials=1, epochs=1))


def ours(folder: Path, way: str, space: str, images: int) -> Row:
    """Seconds to the first epoch of fmsearch, as MLflow has it."""
    ran = study(folder, space, "--trials", "1", "--train-images", str(images))
    return {"way": way, "seconds": curve(folder)[0][0] - ran.began}


def theirs(folder: Path, way: str, name: str, problem: Problem) -> Row:
    """Seconds to the first epoch of a peer, by a callback."""
    file = folder / "first_epoch"
    ran, _ = peer(folder, name, replace(problem, first_epoch=str(file)))
    return {"way": way, "seconds": file.stat().st_mtime - ran.began}


def section(result: Result) -> str:
    """The table."""
    rows = [[way, spread(values)] for way, values in result.values("seconds").items()]
    return table("way | seconds", rows)


def draw(result: Result, axes: Axes) -> None:
    """Seconds of each way."""
    bars(axes, result.values("seconds"), "seconds to the end of the first epoch")
