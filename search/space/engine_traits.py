"""The engines by name, with the properties that other rooms need; no engine is loaded here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EngineTraits:
    """Properties of an engine's studies.

    Attributes:
        implementation: The `EngineFactory`, as `module:name`. It is named, not imported, so that
            a space is read without loading Optuna.
        tries_every_point: Whether a study is a grid: every point is a trial from the beginning, in
            a fixed order. There is no sampler, no pruner and no number of trials, and the study
            ends when all trials are finished.
    """

    implementation: str
    tries_every_point: bool = False


ENGINES = {
    "keras_tuner": EngineTraits(
        "fmsearch.search.engines.grid_engine:GridEngine",
        tries_every_point=True,
    ),
    "optuna": EngineTraits("fmsearch.search.engines.optuna_engine:OptunaEngine"),
}
"""To add an engine, write a class with the methods of `Engine`, and name it here."""
