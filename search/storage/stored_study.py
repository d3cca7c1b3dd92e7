"""One study in the storage: its trials, and the changes of their states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ...errors import FmsearchError
from ...models.settings import Value
from ..result import Result
from ..trial import State, Trial, best_trial
from .attributes import (
    CONSTRAINT,
    DECISION,
    DUPLICATE,
    METRICS,
    REASON,
    RESULT,
    Decision,
    StudyAttributes,
    attributes_of,
    is_running,
    optuna_state,
    read_trial,
)
from .ownership import Ownership
from .pauses import Pauses
from .study_config import StudyConfig

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial

    from .database import Database


class StoredStudy:
    """One study's trials.

    A change to a running trial counts only while this coordinator owns the trial; the methods that
    change one return whether it counted.

    Attributes:
        storage: The storage for Optuna's functions.
        attributes: What the storage has of the study beside config and trials.
        pauses: Which trials are paused, and how they go on.
        taken_back: Number of trials that `take_back` has made waiting again.
    """

    def __init__(
        self, storage: Database, study_id: int, config: StudyConfig, ownership: Ownership
    ) -> None:
        self.storage = storage.optuna
        self._backend = storage.backend
        self.config = config
        self.attributes = StudyAttributes(storage, study_id, config.name)
        self.ownership = ownership
        self.pauses = Pauses(storage, study_id, ownership)
        self.taken_back = 0
        self._study_id = study_id
        self._read_of: dict[int, tuple[FrozenTrial, Trial]] = {}

    def trials(self) -> list[Trial]:
        """All trials by number."""
        return [self._read(one) for one in self.frozen()]

    def best(self) -> Trial | None:
        """The `best_trial`; usually the other trials are not read."""
        found = self._backend.best(self._study_id, DUPLICATE)
        best = read_trial(found) if found else None
        return best if best and not best.is_damaged else best_trial(self.trials())

    def counts(self) -> Mapping[str, int]:
        """Number of trials of each `Trial.status` that occurs, without making trials of them."""
        return self._backend.counts(self._study_id)

    def latest(self, most: int) -> list[Trial]:
        """The latest `most` trials that do not wait, by number, without reading the others."""
        return [read_trial(one) for one in self._backend.latest(self._study_id, most)]

    def running(self) -> Mapping[int, Mapping[int, float]]:
        """The running trials' scores so far, by step."""
        return {one.number: one.intermediate_values for one in self._running()}

    def trial(self, number: int) -> Trial:
        """One trial, without reading the others."""
        return self._read(self._frozen(number))

    def _read(self, frozen: FrozenTrial) -> Trial:
        """As `read_trial`, but once for each object: Optuna returns a new one after a change."""
        known = self._read_of.get(frozen.number)
        if known is None or known[0] is not frozen:
            known = self._read_of[frozen.number] = frozen, read_trial(frozen)
        return known[1]

    def enqueue(self, points: Sequence[Mapping[str, Value]], space: Mapping[str, Any]) -> None:
        """Create waiting trials, so that trial k has `points[k]`; existing trials stay as they are.

        Args:
            points: Parameters of the trials, by number.
            space: The choices of each parameter.
        """
        from optuna.distributions import BaseDistribution, CategoricalDistribution
        from optuna.trial import TrialState, create_trial

        distributions: dict[str, BaseDistribution] = {
            name: CategoricalDistribution(choices) for name, choices in space.items()
        }
        with self.ownership.alone():
            for point in points[len(self.frozen()) :]:
                waiting = create_trial(
                    state=TrialState.WAITING, params=dict(point), distributions=distributions
                )
                self.storage.create_new_trial(self._study_id, waiting)

    def take(self, number: int) -> bool:
        """Take a waiting trial; False if another coordinator has taken it."""
        with self.ownership.alone(), self.ownership.ignore_finished_by_others():
            trial_id = self._id(number)
            if self.storage.set_trial_state_values(trial_id, optuna_state(State.RUNNING)):
                self.ownership.take(trial_id)
                return True
        return False

    def take_back(self) -> None:
        """Make running trials of dead coordinators wait again."""
        with self.ownership.alone():
            for trial_id in self.ownership.abandoned(self._running()):
                self._give_back(trial_id)
                self.taken_back += 1

    def check_run_nowhere_else(self) -> None:
        """Check that no coordinator elsewhere runs the study; on this machine a lock file does.

        Raises:
            FmsearchError: One does.
        """
        if not self.ownership.is_shared:
            return
        with self.ownership.alone():
            if self.ownership.others_live(self._running()):
                name = self.config.name
                raise FmsearchError(f"the study {name!r} is being run by another worker; stop it")

    def _running(self) -> list[FrozenTrial]:
        return [one for one in self._backend.running(self._study_id) if is_running(one)]

    def release(self, number: int) -> bool:
        """Make a running trial what it was before it was taken, under the same number."""
        trial_id = self._id(number)
        with self.ownership.alone(), self.ownership.ignore_finished_by_others():
            if not self.trial(number).state.finished and self.ownership.holds(trial_id):
                self._give_back(trial_id)
                self.ownership.drop(trial_id)
                return True
        return False

    def _give_back(self, trial_id: int) -> None:
        """Make a running trial pause again or, if it never did, wait."""
        if not self.pauses.put_back(trial_id):
            self.storage.set_trial_state_values(trial_id, optuna_state(State.WAITING))

    def tell(self, trial: Trial, result: Result) -> bool:
        """Make a running trial complete or pruned, according to its result."""
        metrics = {**result.metrics, "parameters": result.parameters}
        attributes = attributes_of(metrics, result.fit_seconds, result.score_seconds, result.pruned)
        return self._finish(trial, metrics, attributes)

    def repeat(self, trial: Trial, earlier: Trial) -> bool:
        """Finish a running trial as a duplicate of a finished one, with the same numbers."""
        of = {DUPLICATE: earlier.number}
        if earlier.state is State.FAILED:
            return self._change(trial, State.FAILED, {**of, REASON: earlier.reason})
        seconds = (earlier.fit_seconds, earlier.score_seconds)
        attributes = attributes_of(earlier.metrics, *seconds, earlier.reason)
        return self._finish(trial, earlier.metrics, {**of, **attributes})

    def fail(self, trial: Trial, reason: str) -> bool:
        """Make a running trial failed, with the reason."""
        return self._change(trial, State.FAILED, {REASON: reason})

    def _finish(
        self, trial: Trial, metrics: Mapping[str, float], attributes: Mapping[str, Any]
    ) -> bool:
        if attributes[REASON]:
            return self._change(trial, State.PRUNED, attributes)
        values = [metrics[name] for name in self.config.space.objectives]
        return self._change(trial, State.COMPLETE, attributes, values)

    def _change(
        self,
        trial: Trial,
        state: State,
        attributes: Mapping[str, Any],
        values: Sequence[float] | None = None,
    ) -> bool:
        """Change the state of a running trial, if this coordinator still owns it."""
        from optuna.exceptions import UpdateFinishedTrialError

        trial_id = self._id(trial.number)
        with self.ownership.alone():
            if not self.ownership.holds(trial_id):
                return False
            try:
                for name, value in {**attributes, RESULT: trial.result}.items():
                    self.storage.set_trial_user_attr(trial_id, name, value)
                most = self.config.space.most_parameters
                if METRICS in attributes and most is not None:
                    excess = float(attributes[METRICS]["parameters"] - most)
                    self.storage.set_trial_system_attr(trial_id, CONSTRAINT, excess)
                self.storage.set_trial_state_values(trial_id, optuna_state(state), values)
            except UpdateFinishedTrialError:  # by an earlier call whose answer was lost
                if not self.ownership.is_shared:
                    raise
            self.ownership.drop(trial_id)
            return True

    def study(self) -> Study:
        """Optuna's study."""
        import optuna

        return optuna.load_study(study_name=self.config.name, storage=self.storage)

    def owns(self, number: int) -> bool:
        """Whether this coordinator still owns a running trial."""
        return self.ownership.holds(self._id(number))

    def decide(self, number: int, decision: Decision) -> None:
        """Store that a running trial is to be pruned, so that a later session prunes it, too."""
        self.storage.set_trial_user_attr(self._id(number), DECISION, asdict(decision))

    def decision(self, number: int) -> Decision | None:
        """The decision that `decide` stored for a trial, if there is one."""
        noted = self._frozen(number).user_attrs.get(DECISION)
        return None if noted is None else Decision(**noted)

    def reported(self, number: int) -> Mapping[int, float]:
        """A trial's scores so far, by step."""
        return self._frozen(number).intermediate_values

    def frozen(self) -> list[FrozenTrial]:
        """All trials by number, as Optuna's objects, which must not be changed."""
        return self.storage.get_all_trials(self._study_id, deepcopy=False)

    def _frozen(self, number: int) -> FrozenTrial:
        return self.storage.get_trial(self._id(number))

    def _id(self, number: int) -> int:
        return self.storage.get_trial_id_from_study_id_trial_number(self._study_id, number)
