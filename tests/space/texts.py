"""Spaces as text, and other ones made of them by a line."""

GOOD = """\
name: mine
model: mlp
engine: keras_tuner
score: {by: cross_validation, folds: 3}
parameters: {batch_size: [64, 128]}
"""
OPTUNA = """\
name: mine
model: mlp
engine: optuna
score: {by: validation}
parameters: {layers: {int: [1, 3]}, dropout_rate: {float: [0.0, 0.5]}}
"""
EVERYTHING = """\
name: everything
about: Every key that a space of Optuna may have.
model: cnn
engine: optuna
score: {by: cross_validation, folds: 5}
sampler: nsga2
pruner: none
trials: 7
objectives: {score: maximize, parameters: minimize}
constraints: {parameters: {at_most: 120000}}
fixed: {epochs: 8, schedule: cosine, warmup_epochs: 2}
parameters:
  depth: {int: [2, 4]}
  filters_1: {int: [16, 64], step: 16}
  filters_3: {int: [8, 64], log: true, when: {depth: [3, 4]}}
  filters_4: {choices: [32, 64], when: {depth: 4, filters_1: [16, 32]}}
  flip: [false, true]
  dropout_rate: {float: [0, 0.5]}
  weight_decay: {float: [1e-4, 1e-2], log: true}
published:
  - {depth: 2, filters_1: 32, flip: true, dropout_rate: 0.5, weight_decay: 0.01}
"""


def changed(text: str, change: str) -> str:
    """A space's text with other top-level lines, each of which replaces the one of its key."""
    keys = tuple(f"{line.split(':')[0]}:" for line in change.splitlines())
    kept = [line for line in text.splitlines(keepends=True) if not line.startswith(keys)]
    return "".join(kept) + change
