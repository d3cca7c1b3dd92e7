"""Memory over many short trials."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from matplotlib.axes import Axes
from peers.problem import Problem

from .commands import peer, study
from .result import Result, Row, table

TITLE = "Memory after many trials"
ABOUT = """\
Trials of one epoch on few images: of a perceptron, of Optuna's recipe of convolutional networks.
The memory is that of all processes of a command, with shared pages counted once, looked at each
second; the growth is that from half of the time until the most was used, to that moment, scaled to
100 trials, which are taken as spread evenly over the time until then.
"""
SPACE = """\
name: memory
model: mlp
engine: optuna
sampler: random
pruner: none
score: {by: validation}
fixed: {epochs: 1, batch_size: 64, optimizer: adam}
parameters:
  hidden_units: [64, 128]
  dropout_rate: {float: [0.1, 0.5]}
"""
IMAGES = 3_000
TRIALS = {
    "tiny": {"fmsearch": 4, "keras_tuner_grid": 4},
    "short": {"fmsearch": 300, "keras_tuner_grid": 20},
    "long": {"fmsearch": 300, "keras_tuner_grid": 100, "grid_search_cv": 100, "optuna_recipe": 100},
}
NAMES = {
    "fmsearch": "fmsearch, 2 trainers",
    "keras_tuner_grid": "Keras Tuner GridSearch",
    "grid_search_cv": "GridSearchCV, n_jobs=1",
    "optuna_recipe": "Optuna recipe (CNN)",
}
SAMPLES = 50


def measure(form: str, folder: Path) -> Iterator[Row]:
    """The memory over the time, in MB."""
    for way, trials in TRIALS[form].items():
        if way == "fmsearch":
            options = ("--trials", str(trials), "--train-images", str(IMAGES))
            ran = study(folder / way, SPACE, *options, watch=True)
        else:
            ran, _ = peer(folder / way, way, problem(way, trials), watch=True)
        every = max(1, len(ran.memory) // SAMPLES)
        kept = [round(one, 1) for one in ran.memory[::every]]
        yield {"way": NAMES[way], "trials": trials, "seconds": ran.seconds, "megabytes": kept}


def problem(way: str, trials: int) -> Problem:
    """Trials of one epoch: of a grid on one fold, or of a hold-out search."""
    if way == "optuna_recipe":
        return Problem(images=IMAGES, trials=trials, epochs=1)
    fixed = {"batch_size": 64, "epochs": 1, "optimizer": "adam"}
    points = [
        {**fixed, "hidden_units": units, "dropout_rate": round(0.1 + one / trials / 2, 4)}
        for units in (64, 128)
        for one in range(trials // 2)
    ]
    return Problem(images=IMAGES, points=points, folds=1)


def growth(megabytes: list[float], trials: int) -> float:
    """MB for 100 trials, from half of the way to the most, when all is loaded, to the most.

    What a command does after its trainers' end is left out.
    """
    most = max(megabytes)
    early = megabytes[megabytes.index(most) // 2]
    return (most - early) / (0.5 * trials) * 100


def section(result: Result) -> str:
    """The table."""
    rows = []
    for row in result.rows:
        memory, trials = row["megabytes"], row["trials"]
        cells = (row["way"], str(trials), f"{max(memory):.0f}")
        rows.append([*cells, f"{growth(memory, trials):+.0f}"])
    return table("way | trials | MB at most | MB more for 100 trials", rows)


def draw(result: Result, axes: Axes) -> None:
    """Memory over the share of the command's time."""
    for row in result.rows:
        memory = row["megabytes"]
        axes.plot([number / len(memory) for number in range(len(memory))], memory, label=row["way"])
    axes.set(xlabel="share of the command's time", ylabel="MB", ylim=(0, None))
    axes.legend()
