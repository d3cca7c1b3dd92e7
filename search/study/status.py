"""Overviews: how a study stands, at a glance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..storage.stored_study import StoredStudy
from ..trial import State, Trial


@dataclass(frozen=True, kw_only=True)
class StudyStatus:
    """How a study stands.

    Attributes:
        counts: How many trials there are in each state that occurs.
        best: The best trial; None while none is complete.
        latest: By number, the latest trials that do not wait; all, if no more were asked for.
        running: For each running trial its last reported step and score; None before the first.
        importances: Share of each parameter in the differences of the scores, the largest first,
            as of the last refresh of the study's figures; empty while there are too few trials.
    """

    counts: Mapping[State, int]
    best: Trial | None
    latest: list[Trial]
    running: Mapping[int, tuple[int, float] | None]
    importances: Mapping[str, float]

    @property
    def trials(self) -> int:
        """How many there are."""
        return sum(self.counts.values())


def overview(stored: StoredStudy, most: int | None = None) -> StudyStatus:
    """Read how a study stands.

    Args:
        storage: Of the study.
        most: So many trials are read, however many there are; None for all.
    """
    counts = stored.counts()
    if most is None or sum(counts.values()) <= most:
        latest = stored.trials()
    else:
        latest = stored.latest(most)
    return StudyStatus(
        counts=counts,
        best=stored.best(),
        latest=latest,
        running={
            number: max(scores.items(), default=None) for number, scores in stored.running().items()
        },
        importances=stored.attributes.importances() or _importances(stored),
    )


def _importances(stored: StoredStudy) -> Mapping[str, float]:
    """Those of a study without figures: a grid, an offline study, one that has just begun."""
    from ..runs.importances import importances  # loads scikit-learn

    return importances(stored.study())
