"""The ledger: the durable record of studies, their trials and the trials' states, in Optuna."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import FmsearchError
from ..models.settings import Value
from ..tracking.places import SQLITE, shown
from ..tracking.sqlite import write_ahead
from .result import Result
from .space import Space
from .space_file import read_space
from .study_record import StudyRecord
from .trial import State, Trial

if TYPE_CHECKING:
    from optuna.pruners import BasePruner
    from optuna.storages import BaseStorage
    from optuna.study import Study
    from optuna.trial import FrozenTrial

RECORD = "fmsearch.study"
METRICS, FIT, SCORE = "metrics", "fit_seconds", "score_seconds"
REASON, DUPLICATE, DECISION = "reason", "duplicate_of", "pruned_at"
MOST_PARAMETERS = "parameters"
"""Name of the constraint on a network's size."""


@dataclass(frozen=True)
class Decision:
    """A pruner's: after which step (epoch or fold) a trial ends, and why."""

    step: int
    reason: str


class Ledger:
    """All studies of one Optuna storage."""

    def __init__(self, url: str) -> None:
        """Open a storage, creating it if need be.

        Args:
            url: SQLAlchemy's, such as `sqlite:////srv/studies.db` or `postgresql://…`.

        Raises:
            FmsearchError: The storage cannot be opened.
        """
        import optuna
        from sqlalchemy.exc import ArgumentError, SQLAlchemyError

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        try:
            if url.startswith(SQLITE):
                write_ahead(Path(url.removeprefix(SQLITE)))
            # Wrapped as `optuna.load_study` does it: finished trials are read once.
            self._storage: BaseStorage = optuna.storages.get_storage(
                optuna.storages.RDBStorage(url, engine_kwargs={"pool_pre_ping": True})
            )
        except (ArgumentError, ImportError, RuntimeError) as error:
            raise FmsearchError(f"cannot use the ledger {shown(url)}: {error}") from error
        except (OSError, sqlite3.Error, SQLAlchemyError) as error:
            reason = str(getattr(error, "orig", None) or error)
            raise FmsearchError(f"cannot open the ledger {shown(url)}: {reason}") from error

    def records(self) -> Iterator[StudyRecord]:
        """All studies, in the order of their creation."""
        for study in self._storage.get_all_studies():
            if RECORD in study.user_attrs:
                yield StudyRecord(**study.user_attrs[RECORD])

    def study(self, name: str) -> StudyLedger:
        """An existing study.

        Raises:
            FmsearchError: There is none of that name.
        """
        known = {record.name: record for record in self.records()}
        if name not in known:
            there = f"there are: {', '.join(known)}" if known else "there is none yet"
            raise FmsearchError(f"no study {name!r}; {there}")
        return StudyLedger(self._storage, known[name])

    def open_study(self, record: StudyRecord) -> StudyLedger:
        """The study of that name, created if it is new.

        Raises:
            FmsearchError: The name belongs to a study of other things.
        """
        known = {found.name: found for found in self.records()}.get(record.name)
        if known is not None and (differing := record.differences(known)):
            raise FmsearchError(
                f"the study {record.name!r} exists with another {', '.join(differing)}; "
                "give this one a --name of its own"
            )
        if known is not None:
            if known.lag and record.lag > known.lag:
                raise FmsearchError(
                    f"the study {record.name!r} was begun with --reproducible and {known.lag} "
                    f"trainers, which its results depend on; go on with --jobs {known.lag} or fewer"
                )
            record = replace(record, id=known.id, lag=known.lag)
            study_id = self._storage.get_study_id_from_name(record.name)
        else:
            record = replace(record, id=uuid.uuid4().hex[:12])
            study_id = self._make(record.name, read_space(record.space, record.name))
        self._storage.set_study_user_attr(study_id, RECORD, asdict(record))
        return StudyLedger(self._storage, record)

    def _make(self, name: str, space: Space) -> int:
        from optuna.exceptions import DuplicatedStudyError
        from optuna.study import StudyDirection

        try:
            directions = [StudyDirection[way.upper()] for way in space.objectives.values()]
            return self._storage.create_new_study(directions, name)
        except DuplicatedStudyError:  # by another program, or by a call that was cut off
            study_id = self._storage.get_study_id_from_name(name)
            if self._storage.get_n_trials(study_id):
                raise FmsearchError(
                    f"the ledger has a study {name!r} that fmsearch did not make; choose a --name"
                ) from None
            return study_id


class StudyLedger:
    """One study's trials. Only one process at a time may change a study on SQLite."""

    def __init__(self, storage: BaseStorage, record: StudyRecord) -> None:
        self.storage = storage
        self._study_id = storage.get_study_id_from_name(record.name)
        self.record = record
        self._space = read_space(record.space, record.name)

    def trials(self) -> list[Trial]:
        """All trials by number."""
        return [_read(trial) for trial in self.frozen()]

    def enqueue(self, points: Sequence[Mapping[str, Value]], space: Mapping[str, Any]) -> None:
        """Make sure that trial k waits for, or has, `points[k]`; what is there stays.

        Args:
            points: Parameters of the trials, by number.
            space: Each parameter's choices.
        """
        from optuna.distributions import BaseDistribution, CategoricalDistribution
        from optuna.trial import TrialState, create_trial

        distributions: dict[str, BaseDistribution] = {
            name: CategoricalDistribution(choices) for name, choices in space.items()
        }
        for point in points[len(self.frozen()) :]:
            waiting = create_trial(
                state=TrialState.WAITING, params=dict(point), distributions=distributions
            )
            self.storage.create_new_trial(self._study_id, waiting)

    def claim(self, number: int) -> bool:
        """Take a waiting trial; False if somebody else has taken it."""
        from optuna.trial import TrialState

        return self.storage.set_trial_state_values(self._id(number), TrialState.RUNNING)

    def release(self, number: int) -> None:
        """Give a running trial back, to be taken again under the same number."""
        from optuna.trial import TrialState

        self.storage.set_trial_state_values(self._id(number), TrialState.WAITING)

    def tell(self, trial: Trial, result: Result) -> None:
        """Record a running trial as complete or pruned, as its result says."""
        metrics = {**result.metrics, "parameters": result.parameters}
        self._finish(trial, metrics, result.fit_seconds, result.score_seconds, result.pruned)

    def repeat(self, trial: Trial, earlier: Trial) -> None:
        """Record a running trial as a duplicate of a finished one, with the same numbers."""
        self.storage.set_trial_user_attr(self._id(trial.number), DUPLICATE, earlier.number)
        if earlier.state is State.FAILED:
            self.fail(trial, earlier.reason)
        else:
            seconds = (earlier.fit_seconds, earlier.score_seconds)
            self._finish(trial, earlier.metrics, *seconds, earlier.reason)

    def _finish(
        self,
        trial: Trial,
        metrics: Mapping[str, float],
        fit_seconds: tuple[float, ...],
        score_seconds: tuple[float, ...],
        pruned: str,
    ) -> None:
        from optuna.trial import TrialState

        trial_id = self._id(trial.number)
        known = {METRICS: dict(metrics), FIT: fit_seconds, SCORE: score_seconds, REASON: pruned}
        for name, value in known.items():
            self.storage.set_trial_user_attr(trial_id, name, value)
        if self._space.most_parameters is not None:
            # Optuna's way to say it: above 0 is infeasible.
            excess = float(metrics["parameters"] - self._space.most_parameters)
            self.storage.set_trial_system_attr(trial_id, f"constraints:{MOST_PARAMETERS}", excess)
        if pruned:
            self.storage.set_trial_state_values(trial_id, TrialState.PRUNED)
        else:
            values = [metrics[name] for name in self._space.objectives]
            self.storage.set_trial_state_values(trial_id, TrialState.COMPLETE, values)

    def fail(self, trial: Trial, reason: str) -> None:
        """Record a running trial as failed, with the reason."""
        from optuna.trial import TrialState

        trial_id = self._id(trial.number)
        self.storage.set_trial_user_attr(trial_id, REASON, reason)
        self.storage.set_trial_state_values(trial_id, TrialState.FAIL)

    def study(self, pruner: BasePruner | None = None) -> Study:
        """The study as Optuna's own."""
        import optuna

        return optuna.load_study(study_name=self.record.name, storage=self.storage, pruner=pruner)

    def decide(self, number: int, decision: Decision) -> None:
        """Put on record that a running trial is to be pruned."""
        self.storage.set_trial_user_attr(self._id(number), DECISION, asdict(decision))

    def decision(self, number: int) -> Decision | None:
        """What `decide` put on record of a trial."""
        noted = self.frozen()[number].user_attrs.get(DECISION)
        return None if noted is None else Decision(**noted)

    def reported(self, number: int) -> Mapping[int, float]:
        """A trial's scores so far, by step."""
        return self.frozen()[number].intermediate_values

    def frozen(self) -> list[FrozenTrial]:
        """All trials by number, as Optuna has them; not to be changed."""
        return self.storage.get_all_trials(self._study_id, deepcopy=False)

    def _id(self, number: int) -> int:
        return self.storage.get_trial_id_from_study_id_trial_number(self._study_id, number)


def _read(trial: FrozenTrial) -> Trial:
    names = {"FAIL": State.FAILED}
    state = names.get(trial.state.name) or State[trial.state.name]
    metrics = trial.user_attrs.get(METRICS, {})
    return Trial(
        number=trial.number,
        parameters=trial.params,
        state=state,
        score=metrics["score"] if state is State.COMPLETE else None,
        metrics=metrics,
        fit_seconds=tuple(trial.user_attrs.get(FIT, ())),
        score_seconds=tuple(trial.user_attrs.get(SCORE, ())),
        reason=trial.user_attrs.get(REASON, ""),
        duplicate_of=trial.user_attrs.get(DUPLICATE),
    )
