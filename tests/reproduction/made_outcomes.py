"""Outcomes of a reproduction, as its report takes them."""

from __future__ import annotations

from collections.abc import Sequence

from fmsearch.search.reproduction.catalogue import load_catalogue
from fmsearch.search.reproduction.outcomes import Outcomes, Searched
from fmsearch.search.result import Result

NAMES = ("T-shirt/top", "Trouser", "Pullover", "Shirt")
GOOD = ((80, 0, 5, 15), (0, 99, 1, 0), (5, 0, 85, 10), (18, 0, 12, 70))
CATALOGUE = load_catalogue()


def trained(
    accuracies: Sequence[float], gap: float = 0.05, confusion: tuple[tuple[int, ...], ...] = GOOD
) -> tuple[Result, ...]:
    """Results with these test accuracies."""
    return tuple(
        Result(
            settings={},
            seed=0,
            metrics={"test_accuracy": one, "test_loss": 0.3, "fit_accuracy": one**2 + gap},
            history=(),
            confusion=confusion,
            parameters=1000,
            fit_seconds=(1.0,),
            score_seconds=(1.0,),
            started_at=0,
            finished_at=0,
        )
        for one in accuracies
    )


def outcomes(searched: Sequence[Searched] = (), **results: tuple[Result, ...]) -> Outcomes:
    done = [*results, *(["mlp_grid_2"] if searched else [])]
    return Outcomes(
        catalogue=CATALOGUE,
        experiments=CATALOGUE.select(done),
        trained=results,
        searched={"mlp_grid_2": searched} if searched else {},
        chosen={},
        class_names=NAMES,
        rehearsal="",
    )
