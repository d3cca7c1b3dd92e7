"""Random numbers of a network: how they are seeded, and which ones no seed would set."""

from __future__ import annotations

import random
from collections.abc import Collection
from typing import Any

from .families import Family
from .quiet_tensorflow import keras

_GENERATORS = ("RngReadAndSkip", "RngSkip", "StatefulRandomBinomial")
"""Operations of a `tf.random.Generator`."""


def seed_everything(family: Family, seed: int) -> None:
    """Seed all that a network of this family draws while it is built and traced.

    Keras' initializers and layers draw their seeds from Python's generator and nothing else. The
    seed of TensorFlow's generator can be set only by a function that also drops all kernels, which
    are then made again for the next fit: up to 0.2 s of CPU time (`benchmarks/short_fits.py`).

    Args:
        seed: In [0, 2**31).
    """
    if family.draws_by_keras:
        random.seed(seed)
    else:
        keras.utils.set_random_seed(seed)


def unseeded_randomness(function: Any, known: Collection[object]) -> str:
    """Why a traced function draws other numbers in each fit; empty if it does not.

    Args:
        function: A `tf.ConcreteFunction`.
        known: The variables that are set when a fit begins or goes on.
    """
    if names := _stateful_operations(function.graph.as_graph_def()):
        return (
            f"its layers draw random numbers by TensorFlow's {', '.join(sorted(names))}, which a "
            "trial cannot repeat: draw them by keras.random, with a keras.random.SeedGenerator "
            "that is an attribute of the layer"
        )
    ids = {id(variable) for variable in known}
    others = [one.name for one in function.graph.variables if id(one) not in ids]
    if any("seed_generator_state" in name for name in others):
        return (
            "its layers draw random numbers by a keras.random.SeedGenerator, or by keras.random "
            "without one, that is no part of the model, so that a trial cannot repeat them: make "
            "the SeedGenerator an attribute of the layer"
        )
    return ""


def _stateful_operations(graph: Any) -> set[str]:
    nested = (node for function in graph.library.function for node in function.node_def)
    nodes = [*graph.node, *nested]
    # Operations with a stream of their own have seeds as attributes; stateless ones as inputs.
    return {node.op for node in nodes if "seed2" in node.attr or node.op in _GENERATORS}
