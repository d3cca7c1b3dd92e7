"""The status of a study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..storage.stored_study import StoredStudy
from ..trial import Trial


@dataclass(frozen=True, kw_only=True)
class StudyStatus:
    """The status of a study.

    Attributes:
        counts: Number of trials of each status that occurs, as `Trial.status` has it.
        best: The best trial; None while none is complete.
        latest: By number, all trials or, if they are more than asked for, the latest that do not
            wait.
        running: By trial number, the last reported step and score; None before the first.
        importances: Each parameter's share in the variation of the scores, the largest first, when
            a session of the study ended or its figures were last drawn; empty before that, and
            while there are too few trials.
    """

    counts: Mapping[str, int]
    best: Trial | None
    latest: list[Trial]
    running: Mapping[int, tuple[int, float] | None]
    importances: Mapping[str, float]

    @property
    def trials(self) -> int:
        """The number of trials."""
        return sum(self.counts.values())


def overview(stored: StoredStudy, most: int | None = None) -> StudyStatus:
    """Read a study's status; `most` is the largest number of trials to read, None for all."""
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
        importances=stored.attributes.importances(),
    )
