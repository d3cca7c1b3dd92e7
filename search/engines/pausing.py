"""Pausing, on a storage: which paused trial goes on, and what samplers see of the others."""

from __future__ import annotations

import copy
from collections.abc import Container, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from optuna.trial import FrozenTrial, TrialState

from ..storage.attributes import is_paused, pause_of
from ..trial import Trial
from .halving import HALVINGS, Halving, Standing

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

    from ..space.space import Space
    from ..storage.stored_study import StoredStudy


MOST_PAUSED = 100
"""The most trials whose states one worker keeps on its disk."""


class Pausing:
    """The pauses of one study."""

    def __init__(self, space: Space, stored: StoredStudy, halving: Halving) -> None:
        self._space = space
        self._stored = stored
        self._halving = halving

    @classmethod
    def of(cls, space: Space, stored: StoredStudy, pruner: str) -> Pausing | None:
        """That of a pruner; None for one that pauses no trial."""
        return cls(space, stored, HALVINGS[pruner](space)) if pruner in HALVINGS else None

    @cached_property
    def view(self) -> BaseStorage:
        """The storage as the study's sampler is to see it."""
        return PausedAsPruned(self._stored.storage)  # type: ignore[return-value]

    def pauses(self, trial: Trial, step: int) -> bool:
        """Whether a running trial is to be paused after a step."""
        return step > trial.paused_at and self._halving.pauses(trial.number, step)

    def promoted(self, trials: Sequence[FrozenTrial], *, last: bool) -> int | None:
        """The number of the paused trial that is to go on here; as `Halving.promoted`."""
        here = self._stored.pauses.resumable()
        return self._halving.promoted(_standings(trials), here, last=last) if here else None

    def given_up(self, trials: Sequence[FrozenTrial], *, over: bool) -> tuple[int | None, str]:
        """The worst paused trial that is here, if it is to be pruned, and why.

        Args:
            trials: All of the study.
            over: Whether no trial can go on. If one can, `MOST_PAUSED` may be paused here.
        """
        here, standings = self._stored.pauses.resumable(), _standings(trials)
        if not here or (len(here) <= MOST_PAUSED and not over):
            return None, ""
        number = self._halving.worst([one for one in standings if one.number in here])
        place, of = self._halving.place(standings, number)
        at = f"{self._space.step} {self._stored.trial(number).paused_at}"
        return number, f"paused after {at} and not promoted: in place {place} of {of} there"


def _standings(trials: Sequence[FrozenTrial]) -> list[Standing]:
    return [
        Standing(one.number, one.intermediate_values, pause.step if pause else 0)
        for one in trials
        if one.intermediate_values
        for pause in [pause_of(one) if is_paused(one) else None]
    ]


class PausedAsPruned:
    """A storage of Optuna's in which paused trials are pruned ones.

    So samplers learn from their scores so far; of running trials, which they are in the database,
    samplers know nothing but the point. All else is the storage's own.
    """

    def __init__(self, storage: BaseStorage) -> None:
        self._storage = storage

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,  # as Optuna calls it
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        """As Optuna's."""
        trials = map(_seen, self._storage.get_all_trials(study_id, deepcopy=deepcopy))
        return [one for one in trials if states is None or one.state in states]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)


def _seen(trial: FrozenTrial) -> FrozenTrial:
    if not is_paused(trial):
        return trial
    pruned = copy.copy(trial)
    pruned.state = TrialState.PRUNED
    return pruned
