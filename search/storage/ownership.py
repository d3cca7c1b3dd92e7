"""Ownership: which running trials belong to this coordinator, and which to a dead one.

On SQLite there is one coordinator, and nothing to do. On PostgreSQL every running trial has a mark
that names its owner, and the owner writes a heartbeat every few seconds. If none comes for two
intervals, the trial waits again under its number, and later results of that owner do not count.
Marks and states are changed under the study's lock.

Optuna's `RetryFailedTrialCallback` does not suffice: it fails the trial of a dead coordinator and
enqueues a copy with a new number, which would be a new run in MLflow. Optuna writes heartbeats only
inside `Study.optimize`, which runs trainings in its own process.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .database import Database
from .optuna_private import id_of
from .retrying import seconds_since_outage

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

OWNER = "claim"
"""The user attribute with a running trial's mark."""
SHIPPING_SECONDS = 600
HEARTBEAT = 15
"""Default seconds between two heartbeats of a coordinator."""


class Ownership:
    """The trials of one study that one coordinator owns; for one thread, except `shipping_lock`.

    Args:
        study_id: Optuna's id.
        worker: Name of the coordinator's home, which has one coordinator at a time.
        heartbeat_seconds: Time between two heartbeats.
    """

    def __init__(
        self, database: Database, study_id: int, worker: str, heartbeat_seconds: float
    ) -> None:
        self._database = database
        self._study_id = study_id
        self.worker = worker
        self._marks: dict[int, str] = {}
        self._interval = heartbeat_seconds / 2  # so that one may be late
        self._beaten_at = time.monotonic()
        self._looked_at = 0.0
        self._is_alone = False

    @property
    def is_shared(self) -> bool:
        """Whether there may be other coordinators."""
        return self._database.is_shared

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the study's lock; a caller may hold it already."""
        if self._is_alone:
            yield
            return
        with self._database.alone(f"trials of study {self._study_id}"):
            self._is_alone = True
            try:
                yield
            finally:
                self._is_alone = False

    @contextmanager
    def ignore_finished_by_others(self) -> Iterator[None]:
        """Ignore the error if another coordinator has finished the trial that is to be changed.

        This can happen under the lock: if its connection is cut, others get the lock.
        """
        from optuna.exceptions import UpdateFinishedTrialError

        try:
            yield
        except UpdateFinishedTrialError:
            if not self.is_shared:
                raise

    @contextmanager
    def shipping_lock(self) -> Iterator[None]:
        """Hold a second lock of the study, for shipping, which takes longer; from any thread."""
        with self._database.alone(f"run of study {self._study_id}", SHIPPING_SECONDS):
            yield

    def take(self, trial_id: int) -> None:
        """Mark a trial that has just been made RUNNING; the caller holds the lock."""
        if self._database.is_shared:
            mark = f"{self.worker}:{uuid.uuid4().hex[:12]}"
            self._database.optuna.set_trial_user_attr(trial_id, OWNER, mark)
            self._database.write_heartbeat(trial_id)
            self._marks[trial_id] = mark

    def drop(self, trial_id: int) -> None:
        """Forget a trial that this coordinator no longer runs."""
        self._marks.pop(trial_id, None)

    def holds(self, trial_id: int) -> bool:
        """Whether this coordinator still owns a running trial."""
        if not self._database.is_shared:
            return True
        if trial_id not in self._marks:
            return False
        trial = self._database.optuna.get_trial(trial_id)
        return bool(trial.user_attrs.get(OWNER) == self._marks[trial_id])

    def write_heartbeats(self) -> None:
        """Write the heartbeats of all owned trials, if it is time to."""
        if not self._marks or time.monotonic() - self._beaten_at < self._interval:
            return
        self._beaten_at = time.monotonic()
        for trial_id in list(self._marks):
            if self.holds(trial_id):
                self._database.write_heartbeat(trial_id)
            else:
                self.drop(trial_id)

    def should_look(self) -> bool:
        """Whether it is time to look for trials of dead coordinators: once in an interval."""
        if not self.is_shared or time.monotonic() - self._looked_at < self._interval:
            return False
        self._looked_at = time.monotonic()
        return True

    def abandoned(self, running: list[FrozenTrial]) -> list[int]:
        """Ids of the running trials whose coordinator is dead; the caller holds the lock.

        On SQLite these are all: the only coordinator asks before it begins any. On PostgreSQL a
        heartbeat that is missing because of an outage does not count. If a trial has no heartbeat
        at all, its coordinator died while it took the trial, which it does under the same lock.
        """
        if not self.is_shared:
            return [id_of(trial) for trial in running]
        others = [trial for trial in running if id_of(trial) not in self._marks]
        if not others:
            return []
        ages = self._database.seconds_since_heartbeat([id_of(trial) for trial in others])
        grace = self._grace
        answers = seconds_since_outage() > grace
        own = f"{self.worker}:"
        return [
            id_of(trial)
            for trial in others
            if id_of(trial) not in ages
            or (answers and ages[id_of(trial)] > grace)
            or trial.user_attrs.get(OWNER, "").startswith(own)  # an earlier session's
        ]

    def are_gone(self, workers: Mapping[int, str], running: list[FrozenTrial]) -> set[int]:
        """Of trials that others trained last, those whose worker is gone.

        It has sent no heartbeat of that trial for as long as a living one may take, and runs no
        other trial of the study.

        Args:
            workers: By the trials' ids.
            running: The running trials.
        """
        if not workers or seconds_since_outage() <= self._grace:
            return set()
        dead = set(self.abandoned(running))
        marks = [one.user_attrs.get(OWNER, "") for one in running if id_of(one) not in dead]
        alive = {mark.rpartition(":")[0] for mark in marks}
        ages = self._database.seconds_since_heartbeat([*workers])
        return {
            trial_id
            for trial_id, worker in workers.items()
            if worker not in alive and ages.get(trial_id, self._grace + 1) > self._grace
        }

    @property
    def _grace(self) -> float:
        """Seconds without a heartbeat after which a coordinator counts as dead."""
        return 4 * self._interval

    def others_live(self, running: list[FrozenTrial]) -> bool:
        """Whether another coordinator that is alive owns any of the running trials."""
        others = [trial for trial in running if id_of(trial) not in self._marks]
        return len(self.abandoned(others)) < len(others)
