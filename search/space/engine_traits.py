"""The engines by name, and what others must know of them; this loads none of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EngineTraits:
    """What a study is like whose trials are proposed by an engine.

    Attributes:
        implementation: What makes the engine, as `module:name`; `EngineFactory` says how it is
            called. It is named, not imported: a space is read without loading Optuna.
        tries_every_point: Every point is a trial from the beginning, in one order: a grid. It has
            no sampler, no pruner and no number of trials, and is over when all are finished.
        has_search_figures: Whether figures show how the search went, and which parameters matter.
    """

    implementation: str
    tries_every_point: bool = False
    has_search_figures: bool = True


ENGINES = {
    "keras_tuner": EngineTraits(
        "fmsearch.search.engines.grid_engine:GridEngine",
        tries_every_point=True,
        has_search_figures=False,
    ),
    "optuna": EngineTraits("fmsearch.search.engines.optuna_engine:OptunaEngine"),
}
"""To add an engine, write a class with the methods of `Engine`, and name it here."""
