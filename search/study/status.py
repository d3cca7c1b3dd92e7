"""The status of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from ...models.metrics import ACCURACY
from ..storage.stored_study import StoredStudy
from ..storage.study_config import StudyConfig
from ..trial import State, Trial
from .stopping import possible_gain


class Progress(Enum):
    """How far a study is."""

    RUNNING = "running"
    FINISHED = "finished"
    UNFINISHED = "unfinished"


@dataclass(frozen=True, kw_only=True)
class StudySummary:
    """A study in a list of studies.

    Attributes:
        counts: As in `StudyStatus`.
        best: As in `StudyStatus`.
        last_end: When the last trial ended, in local time; None if none has.
    """

    config: StudyConfig
    counts: Mapping[str, int]
    best: Trial | None
    last_end: datetime | None

    @property
    def progress(self) -> Progress:
        """How far the study is; one that was killed counts as running until it goes on."""
        if self.counts.get(State.RUNNING.value):
            return Progress.RUNNING
        wanted = self.config.trials or 0
        waiting = [self.counts.get(one.value, 0) for one in (State.WAITING, State.PAUSED)]
        is_left = any(waiting) or sum(self.counts.values()) < wanted
        return Progress.UNFINISHED if is_left else Progress.FINISHED


def summary(stored: StoredStudy) -> StudySummary:
    """Read what a list of studies says of one."""
    return StudySummary(
        config=stored.config,
        counts=stored.counts(),
        best=stored.best(),
        last_end=stored.attributes.last_end(),
    )


@dataclass(frozen=True, kw_only=True)
class StudyStatus:
    """The status of a study.

    Attributes:
        objectives: Names of what the study maximizes or minimizes.
        metric: What the scores measure.
        step: What a step is at which a trial was paused: an epoch or a fold.
        front: Of several objectives, the numbers of the trials than which none is better in all.
        counts: Number of trials of each status that occurs, as `Trial.status` has it.
        best: The best trial; None while none is complete.
        latest: By number, all trials or, if they are more than asked for, the latest that do not
            wait.
        running: By trial number, the last reported step and score; None before the first.
        importances: Each parameter's share in the variation of the scores, the largest first, when
            a session of the study ended or its figures were last drawn; empty before that, and
            while there are too few trials.
        possible_gain: As the function of that name estimates it; None for a grid, and where not all
            trials were read.
    """

    objectives: Sequence[str] = ("score",)
    metric: str = ACCURACY
    step: str = "epoch"
    front: Set[int] = frozenset()
    counts: Mapping[str, int]
    best: Trial | None
    latest: list[Trial]
    running: Mapping[int, tuple[int, float] | None]
    importances: Mapping[str, float]
    possible_gain: float | None = None

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
    is_search = not stored.config.space.traits.tries_every_point
    gain = possible_gain(latest) if is_search and len(latest) == sum(counts.values()) else None
    objectives = tuple(stored.config.space.objectives)
    front = stored.study().best_trials if len(objectives) > 1 else []
    return StudyStatus(
        objectives=objectives,
        metric=stored.config.space.metric,
        step=stored.config.space.step,
        front=frozenset(trial.number for trial in front),
        counts=counts,
        best=stored.best(),
        latest=latest,
        running={
            number: max(scores.items(), default=None) for number, scores in stored.running().items()
        },
        importances=stored.attributes.importances(),
        possible_gain=gain,
    )
