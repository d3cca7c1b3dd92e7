"""The small studies of the campaigns, and the commands that run them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

IMAGES = Path(__file__).parents[2] / "tests" / "data" / "fashion.npz"
GRID = """\
name: chaos
about: Six points, two trainings.
model: mlp
engine: keras_tuner
score: {by: cross_validation, folds: 2}
fixed: {hidden_units: 16, dropout_rate: 0.2, batch_size: 64}
parameters:
  layers: [1, 2]
  epochs: [2, 3, 4]
"""
OPTUNA = """\
name: chaos
about: Some learn fast, some do not learn.
model: mlp
engine: optuna
sampler: random
pruner: median
score: {by: validation}
trials: 10
fixed: {epochs: 6, batch_size: 32, dropout_rate: 0.1}
parameters:
  hidden_units: {int: [8, 32], log: true}
  layers: [1, 2]
  learning_rate: {float: [0.00001, 0.01], log: true}
"""
PAUSING = OPTUNA.replace("pruner: median", "pruner: asha").replace("epochs: 6", "epochs: 10")
"""Trials are paused after epochs 3 and 9. One trainer makes it come out the same each time."""
SPACES = {"grid": GRID, "optuna": OPTUNA, "pausing": PAUSING}
PROGRAM = [sys.executable, "-m", "fmsearch.cli"]


def commands(
    engine: str, home: Path, model: str = "chaos", store: Sequence[str] = ()
) -> tuple[list[str], list[str]]:
    """The study's command, and that which registers a model; `store` are options of both."""
    space = home.parent / f"{engine}.yaml"
    space.write_text(SPACES[engine])
    where = ["--home", str(home), "--checkpoint-every", "0s", *store]
    study = [
        *PROGRAM, "-v", "study", "--space", str(space), "--data", str(IMAGES),
        "--train-images", "400", "--jobs", "1" if engine == "pausing" else "2", *where,
    ]  # fmt: skip
    if engine == "optuna":
        study.append("--reproducible")
    register = ["register", "--study", "chaos", "--model", model, "--epochs", "3", *where]
    return study, [*PROGRAM, "-v", *register]
