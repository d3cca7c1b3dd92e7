"""Ownership: which running trials belong to this coordinator, and which to one that is dead.

On SQLite there is one coordinator, and nothing to be done. On PostgreSQL every running trial has a
mark that names its owner, and the owner writes a heartbeat every few seconds. Trials whose owner
wrote none for two intervals wait again, under their numbers; what that owner says of them later
does not count. Marks are set, and trials change their state, under the study's lock.

Optuna's own `RetryFailedTrialCallback` does not serve: it fails the trial of a dead coordinator and
enqueues a copy under a new number, and with it a new run in MLflow. Its heartbeats run by
themselves only inside `Study.optimize`, which runs trainings in its own process.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .database import Database
from .optuna_private import id_of
from .retrying import answers_for

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

OWNER = "claim"
"""The user attribute that has a running trial's mark."""
SHIPPING_SECONDS = 600
HEARTBEAT = 15
"""Seconds between two heartbeats of a coordinator, unless it is told otherwise."""


class Ownership:
    """What one coordinator owns of one study's trials. For one thread.

    Args:
        database: The storage's.
        study_id: Optuna's.
        worker: Name of the folder whose coordinator this is; there is one at a time.
        heartbeat_seconds: Time between two heartbeats.
    """

    def __init__(
        self, database: Database, study_id: int, worker: str, heartbeat_seconds: float
    ) -> None:
        self._database = database
        self._study_id = study_id
        self._worker = worker
        self._marks: dict[int, str] = {}
        self._interval = heartbeat_seconds / 2  # one that comes late is made good by the next
        self._beaten_at = time.monotonic()
        self._looked_at = 0.0
        self._is_alone = False

    @property
    def is_shared(self) -> bool:
        """Whether there may be other coordinators."""
        return self._database.is_shared

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the study's lock; it can be held by a caller already."""
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
    def lost_meanwhile(self) -> Iterator[None]:
        """Give up a change to a trial that another coordinator has taken, and even finished.

        The connection that holds the lock may be cut: then others go on before this one's calls do.
        """
        from optuna.exceptions import UpdateFinishedTrialError

        try:
            yield
        except UpdateFinishedTrialError:
            if not self.is_shared:
                raise

    @contextmanager
    def alone_to_ship(self) -> Iterator[None]:
        """Hold another lock of the study's, for what takes longer; from any thread."""
        with self._database.alone(f"run of study {self._study_id}", SHIPPING_SECONDS):
            yield

    def take(self, trial_id: int) -> None:
        """Mark a trial that has just been made RUNNING, under the lock."""
        if self._database.is_shared:
            mark = f"{self._worker}:{uuid.uuid4().hex[:12]}"
            self._database.optuna.set_trial_user_attr(trial_id, OWNER, mark)
            self._beat(trial_id)
            self._marks[trial_id] = mark

    def drop(self, trial_id: int) -> None:
        """Forget a trial that is no longer running."""
        self._marks.pop(trial_id, None)

    def holds(self, trial_id: int) -> bool:
        """Whether a running trial is still this coordinator's."""
        if not self._database.is_shared:
            return True
        if trial_id not in self._marks:
            return False
        trial = self._database.optuna.get_trial(trial_id)
        return bool(trial.user_attrs.get(OWNER) == self._marks[trial_id])

    def beat(self) -> None:
        """Write the heartbeats of all trials that it owns, if it is time to."""
        if not self._marks or time.monotonic() - self._beaten_at < self._interval:
            return
        self._beaten_at = time.monotonic()
        for trial_id in list(self._marks):
            if self.holds(trial_id):
                self._beat(trial_id)
            else:
                self.drop(trial_id)

    def is_time_to_look(self) -> bool:
        """Whether to look for trials whose coordinator is dead; yes once in an interval."""
        if not self.is_shared or time.monotonic() - self._looked_at < self._interval:
            return False
        self._looked_at = time.monotonic()
        return True

    def abandoned(self, running: list[FrozenTrial]) -> list[int]:
        """Ids of the running trials whose coordinator is dead, seen under the lock.

        On SQLite there is one coordinator, which asks before it has begun any: all are. On
        PostgreSQL nobody is called dead for heartbeats that are missing during an outage. A trial
        without any heartbeat was being taken when its coordinator died: trials are taken under the
        lock, too.
        """
        if not self.is_shared:
            return [id_of(trial) for trial in running]
        others = [trial for trial in running if id_of(trial) not in self._marks]
        if not others:
            return []
        ages = self._database.seconds_since_heartbeat([id_of(trial) for trial in others])
        grace = 4 * self._interval
        answers = answers_for() > grace
        own = f"{self._worker}:"
        return [
            id_of(trial)
            for trial in others
            if id_of(trial) not in ages
            or (answers and ages[id_of(trial)] > grace)
            or trial.user_attrs.get(OWNER, "").startswith(own)  # of an earlier session
        ]

    def others_live(self, running: list[FrozenTrial]) -> bool:
        """Whether a coordinator that lives, and is not this one, has any of the running trials."""
        others = [trial for trial in running if id_of(trial) not in self._marks]
        return len(self.abandoned(others)) < len(others)

    def _beat(self, trial_id: int) -> None:
        self._database.optuna.record_heartbeat(trial_id)  # type: ignore[attr-defined]
