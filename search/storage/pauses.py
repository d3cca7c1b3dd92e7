"""Paused trials of one study: which there are, and who may let them go on.

A paused trial is nobody's. Its state lies in the outbox of the worker that trained it, who lets it
go on; another one does so from the start, but only if that worker is gone.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from .attributes import PAUSE, Pause, is_paused, is_running, pause_of
from .optuna_private import id_of

if TYPE_CHECKING:
    from .database import Database
    from .ownership import Ownership


class Pauses:
    """Pauses trials of one study and lets them go on; changes are made under the study's lock."""

    def __init__(self, database: Database, study_id: int, ownership: Ownership) -> None:
        self._storage = database.optuna
        self._study_id = study_id
        self._ownership = ownership

    def pause(self, number: int, step: int) -> bool:
        """Pause a running trial after a step; False if it is another coordinator's by now."""
        trial_id = self._id(number)
        with self._ownership.alone(), self._ownership.ignore_finished_by_others():
            if self._ownership.holds(trial_id):
                self._write(trial_id, Pause(step, self._ownership.worker))
                self._ownership.drop(trial_id)
                return True
        return False

    def resume(self, number: int) -> bool:
        """Take a paused trial; False if another coordinator has taken it."""
        trial_id = self._id(number)
        with self._ownership.alone(), self._ownership.ignore_finished_by_others():
            trial = self._storage.get_trial(trial_id)
            pause = pause_of(trial)
            if pause is not None and is_paused(trial):
                self._ownership.take(trial_id)
                self._write(trial_id, replace(pause, resumed=True))
                return True
        return False

    def put_back(self, trial_id: int) -> bool:
        """Pause a trial again that was resumed, and given back; False if it never was paused."""
        pause = pause_of(self._storage.get_trial(trial_id))
        if pause is None:
            return False
        self._write(trial_id, replace(pause, resumed=False))
        return True

    def resumable(self) -> set[int]:
        """The numbers of the paused trials that this coordinator may let go on."""
        trials = self._storage.get_all_trials(self._study_id, deepcopy=False)
        paused = {id_of(one): one for one in trials if is_paused(one)}
        if self._ownership.is_shared:
            workers = {trial_id: pause_of(one) for trial_id, one in paused.items()}
            away = {
                trial_id: pause.worker
                for trial_id, pause in workers.items()
                if pause is not None and pause.worker != self._ownership.worker
            }
            running = [one for one in trials if is_running(one)]
            for trial_id in away.keys() - self._ownership.are_gone(away, running):
                del paused[trial_id]
        return {one.number for one in paused.values()}

    def _id(self, number: int) -> int:
        return self._storage.get_trial_id_from_study_id_trial_number(self._study_id, number)

    def _write(self, trial_id: int, pause: Pause) -> None:
        self._storage.set_trial_user_attr(trial_id, PAUSE, asdict(pause))
