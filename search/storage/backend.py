"""The backend of Optuna's cache: a database that may be unreachable for a while."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from ..trial import DAMAGED, State
from .attributes import is_paused, optuna_state
from .optuna_private import id_of
from .retrying import retry

if TYPE_CHECKING:
    from optuna.storages import RDBStorage
    from optuna.trial import FrozenTrial, TrialState
    from sqlalchemy import ColumnElement, Connection

T = TypeVar("T")


class Backend:
    """A backend that waits for an unreachable database, and reads the points of a grid once.

    A call is retried until the database answers, so that it may be carried out twice. This does no
    harm: a change to a finished trial is refused, a taken trial has its owner's mark, and a trial
    that was created twice exists once without a heartbeat, and is given back.
    """

    def __init__(self, backend: RDBStorage) -> None:
        self._backend = backend
        self._waiting: defaultdict[int, set[int]] = defaultdict(set)
        self._newest: defaultdict[int, int] = defaultdict(lambda: -1)

    def delete_study(self, study_id: int) -> None:
        """As Optuna's; the database may reuse the ids of the study and its trials."""
        retry(lambda: self._backend.delete_study(study_id))
        self._waiting.pop(study_id, None)
        self._newest.pop(study_id, None)

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """As Optuna's.

        Raises:
            KeyError: There is no such trial.
        """
        from .queries import among

        if found := self._read(among([trial_id])):
            return found[0]
        raise KeyError(f"no trial with the id {trial_id}")

    def best(self, study_id: int, mark: str) -> FrozenTrial | None:
        """The complete trial with the highest finite first value; of equals the first.

        Args:
            mark: A user attribute; trials that have it are left out.
        """
        from .queries import is_highest

        return next(iter(self._read(is_highest(study_id, mark))), None)

    def latest(self, study_id: int, most: int) -> list[FrozenTrial]:
        """The `most` trials with the highest numbers that do not wait, by number."""
        from .queries import are_latest

        return self._read(are_latest(study_id, most))

    def running(self, study_id: int) -> list[FrozenTrial]:
        """The running trials, by number."""
        from .queries import are_running

        return self._read(are_running(study_id))

    def counts(self, study_id: int) -> dict[str, int]:
        """Number of trials of each `Trial.status` that occurs, in the order of `State`."""
        from .queries import are_running, count_states, find_damaged, read_trials

        def read() -> dict[str, int]:
            with self._backend.engine.connect() as connection:
                damaged = find_damaged(connection, study_id)
                found = count_states(connection, study_id, damaged)
                running = read_trials(connection, are_running(study_id))
            paused = sum(map(is_paused, running))
            states = {state: found.get(optuna_state(state), 0) for state in State}
            states[State.RUNNING] -= paused
            states[State.PAUSED] = paused
            counts = {**{state.value: n for state, n in states.items()}, DAMAGED: len(damaged)}
            return {status: count for status, count in counts.items() if count}

        return retry(read)

    def last_end(self, study_id: int) -> datetime | None:
        """When the last trial ended, in local time; None if none has, or that cannot be read."""
        from .queries import read_last_end
        from .rows import UNREADABLE, local_time

        def read() -> Any:
            with self._backend.engine.connect() as connection:
                return read_last_end(connection, study_id)

        with suppress(*UNREADABLE):
            return local_time(retry(read))
        return None

    def change(self, change: Callable[[Connection], T]) -> T:
        """Make a change for which Optuna has no call, in one transaction."""

        def make() -> T:
            with self._backend.engine.begin() as connection:
                return change(connection)

        return retry(make)

    def study_attributes(self, study: str | None = None) -> dict[str, dict[str, str]]:
        """User attributes by the name of the study, as the JSON that is stored; None for all.

        Optuna's `get_all_studies` fails for all studies if one attribute of one is damaged.
        """
        from .queries import read_study_attributes

        def read() -> dict[str, dict[str, str]]:
            with self._backend.engine.connect() as connection:
                return read_study_attributes(connection, study)

        return retry(read)

    def _get_trials(
        self,
        study_id: int,
        states: Container[TrialState] | None,  # noqa: ARG002  # Optuna's cache asks for all
        included_trial_ids: set[int],
        trial_id_greater_than: int,
    ) -> list[FrozenTrial]:
        """The trials that may have changed, for Optuna's cache; each waiting trial is read once.

        The point of a waiting trial never changes; Optuna would read a whole grid each time. Scores
        that an earlier coordinator reported of a waiting trial are not seen here.

        Raises:
            KeyError: The study was deleted.
        """
        from optuna.trial import TrialState
        from sqlalchemy import and_, or_

        from .queries import TRIALS, among, without_collections

        number, waits = TRIALS.c.trial_id, TRIALS.c.state == TrialState.WAITING
        known = self._waiting[study_id]
        before = {one for one in included_trial_ids if one <= trial_id_greater_than}
        changed = or_(among(before), number > trial_id_greater_than)
        new = or_(among(included_trial_ids - known), number > self._newest[study_id])
        which = or_(and_(~waits, changed), and_(waits, new))
        with without_collections():
            trials = self._read(and_(TRIALS.c.study_id == study_id, which))
        if not trials:
            retry(lambda: self._backend.get_study_name_from_id(study_id))
        for trial in trials:
            keep = known.add if trial.state is TrialState.WAITING else known.discard
            keep(id_of(trial))
            self._newest[study_id] = max(self._newest[study_id], id_of(trial))
        return trials

    def _read(self, which: ColumnElement[bool]) -> list[FrozenTrial]:
        from .queries import read_trials

        def read() -> list[FrozenTrial]:
            with self._backend.engine.connect() as connection:
                return read_trials(connection, which)

        return retry(read)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._backend, name)

        def call(*args: Any, **named: Any) -> Any:
            return retry(lambda: found(*args, **named))

        return call if callable(found) else found
