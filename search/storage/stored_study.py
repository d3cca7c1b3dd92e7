"""The record of one study in the storage: its trials, and the trials' states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ...errors import FmsearchError
from ...models.settings import Value
from ..result import Result
from ..space.load import read_space
from ..trial import State, Trial, best_trial
from .attributes import (
    DECISION,
    DUPLICATE,
    METRICS,
    REASON,
    StudyAttributes,
    attributes_of,
    read_trial,
    state_of,
)
from .ownership import Ownership
from .study_config import StudyConfig

if TYPE_CHECKING:
    from optuna.pruners import BasePruner
    from optuna.study import Study
    from optuna.trial import FrozenTrial, TrialState

    from .database import Database

MOST_PARAMETERS = "parameters"
"""Name of the constraint on a network's size."""


@dataclass(frozen=True)
class Decision:
    """A pruner's: after which step (epoch or fold) a trial ends, and why."""

    step: int
    reason: str


class StoredStudy:
    """One study's trials.

    What is recorded of a running trial counts if the trial is still this coordinator's; the
    methods that record say whether it did.

    Attributes:
        storage: As Optuna takes it.
        config: What the study is.
        space: Whose points are tried.
        notes: What else is on record of it.
        ownership: This coordinator's.
        taken_back: How many trials `take_back` has let wait again.
    """

    def __init__(
        self, storage: Database, study_id: int, config: StudyConfig, ownership: Ownership
    ) -> None:
        self.storage = storage.optuna
        self._backend = storage.backend
        self.config = config
        self.notes = StudyAttributes(self.storage, study_id)
        self.ownership = ownership
        self.taken_back = 0
        self._study_id = study_id
        self._read_of: dict[int, tuple[FrozenTrial, Trial]] = {}  # each is read once
        self.space = read_space(config.space, f"the recorded space of {config.name!r}")

    def trials(self) -> list[Trial]:
        """All trials by number."""
        return [self._read(one) for one in self.frozen()]

    def best(self) -> Trial | None:
        """The `best_trial` of all, without reading all if there is one."""
        found = self._backend.best(self._study_id, DUPLICATE)
        return best_trial(self.trials()) if found is None else read_trial(found)

    def counts(self) -> Mapping[State, int]:
        """How many trials there are in each state that occurs, without reading them."""
        found = self._backend.counts(self._study_id)
        named = {state_of(state): count for state, count in found.items()}
        return {state: named[state] for state in State if state in named}

    def latest(self, most: int) -> list[Trial]:
        """The latest trials that do not wait, by number, without reading the others."""
        return [read_trial(one) for one in self._backend.latest(self._study_id, most)]

    def running(self) -> Mapping[int, Mapping[int, float]]:
        """The running trials' scores so far, by step."""
        return {one.number: one.intermediate_values for one in self._running()}

    def trial(self, number: int) -> Trial:
        """One trial; that costs the same however many there are."""
        return self._read(self._frozen(number))

    def _read(self, frozen: FrozenTrial) -> Trial:
        """As `read_trial`; Optuna hands out the same object while a trial has not changed."""
        known = self._read_of.get(frozen.number)
        if known is None or known[0] is not frozen:
            known = self._read_of[frozen.number] = frozen, read_trial(frozen)
        return known[1]

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
        with self.ownership.alone():
            for point in points[len(self.frozen()) :]:
                waiting = create_trial(
                    state=TrialState.WAITING, params=dict(point), distributions=distributions
                )
                self.storage.create_new_trial(self._study_id, waiting)

    def claim(self, number: int) -> bool:
        """Take a waiting trial; False if somebody else has taken it."""
        from optuna.trial import TrialState

        with self.ownership.alone(), self.ownership.lost_meanwhile():
            trial_id = self._id(number)
            if self.storage.set_trial_state_values(trial_id, TrialState.RUNNING):
                self.ownership.take(trial_id)
                return True
        return False

    def take_back(self) -> None:
        """Let trials wait again that run nowhere: their coordinator is dead."""
        from optuna.trial import TrialState

        with self.ownership.alone():
            for trial_id in self.ownership.abandoned(self._running()):
                self.storage.set_trial_state_values(trial_id, TrialState.WAITING)
                self.taken_back += 1

    def check_run_nowhere_else(self) -> None:
        """See that no other coordinator lives that runs the study; on this machine a lock says so.

        Raises:
            FmsearchError: One does.
        """
        if not self.ownership.are_shared:
            return
        with self.ownership.alone():
            if self.ownership.others_live(self._running()):
                name = self.config.name
                raise FmsearchError(f"the study {name!r} is being run by another worker; stop it")

    def _running(self) -> list[FrozenTrial]:
        return self._backend.running(self._study_id)

    def release(self, number: int) -> bool:
        """Give a running trial back, to be taken again under the same number."""
        from optuna.trial import TrialState

        return not self.trial(number).state.finished and self._change(number, TrialState.WAITING)

    def tell(self, trial: Trial, result: Result) -> bool:
        """Record a running trial as complete or pruned, as its result says."""
        metrics = {**result.metrics, "parameters": result.parameters}
        notes = attributes_of(metrics, result.fit_seconds, result.score_seconds, result.pruned)
        return self._finish(trial, metrics, notes)

    def repeat(self, trial: Trial, earlier: Trial) -> bool:
        """Record a running trial as a duplicate of a finished one, with the same numbers."""
        of = {DUPLICATE: earlier.number}
        if earlier.state is State.FAILED:
            return self._fail(trial, {**of, REASON: earlier.reason})
        seconds = (earlier.fit_seconds, earlier.score_seconds)
        notes = attributes_of(earlier.metrics, *seconds, earlier.reason)
        return self._finish(trial, earlier.metrics, {**of, **notes})

    def fail(self, trial: Trial, reason: str) -> bool:
        """Record a running trial as failed, with the reason."""
        return self._fail(trial, {REASON: reason})

    def _fail(self, trial: Trial, notes: Mapping[str, Any]) -> bool:
        from optuna.trial import TrialState

        return self._change(trial.number, TrialState.FAIL, notes=notes)

    def _finish(self, trial: Trial, metrics: Mapping[str, float], notes: Mapping[str, Any]) -> bool:
        from optuna.trial import TrialState

        if notes[REASON]:
            return self._change(trial.number, TrialState.PRUNED, notes=notes)
        values = [metrics[name] for name in self.space.objectives]
        return self._change(trial.number, TrialState.COMPLETE, values, notes)

    def _change(
        self,
        number: int,
        state: TrialState,
        values: Sequence[float] | None = None,
        notes: Mapping[str, Any] = MappingProxyType({}),
    ) -> bool:
        """Give a running trial another state, if it is still this coordinator's."""
        from optuna.exceptions import UpdateFinishedTrialError

        trial_id = self._id(number)
        with self.ownership.alone():
            if not self.ownership.holds(trial_id):
                return False
            try:
                for name, value in notes.items():
                    self.storage.set_trial_user_attr(trial_id, name, value)
                if METRICS in notes and self.space.most_parameters is not None:
                    # Optuna's way to say it: above 0 is infeasible.
                    excess = float(notes[METRICS]["parameters"] - self.space.most_parameters)
                    name = f"constraints:{MOST_PARAMETERS}"
                    self.storage.set_trial_system_attr(trial_id, name, excess)
                self.storage.set_trial_state_values(trial_id, state, values)
            except UpdateFinishedTrialError:  # by an earlier try, whose answer was lost
                if not self.ownership.are_shared:
                    raise
            self.ownership.drop(trial_id)
            return True

    def study(self, pruner: BasePruner | None = None) -> Study:
        """The study as Optuna's own."""
        import optuna

        return optuna.load_study(study_name=self.config.name, storage=self.storage, pruner=pruner)

    def owns(self, number: int) -> bool:
        """Whether a running trial is still this coordinator's."""
        return self.ownership.holds(self._id(number))

    def decide(self, number: int, decision: Decision) -> None:
        """Put on record that a running trial is to be pruned."""
        self.storage.set_trial_user_attr(self._id(number), DECISION, asdict(decision))

    def decision(self, number: int) -> Decision | None:
        """What `decide` put on record of a trial."""
        noted = self._frozen(number).user_attrs.get(DECISION)
        return None if noted is None else Decision(**noted)

    def reported(self, number: int) -> Mapping[int, float]:
        """A trial's scores so far, by step."""
        return self._frozen(number).intermediate_values

    def frozen(self) -> list[FrozenTrial]:
        """All trials by number, as Optuna has them; not to be changed."""
        return self.storage.get_all_trials(self._study_id, deepcopy=False)

    def _frozen(self, number: int) -> FrozenTrial:
        return self.storage.get_trial(self._id(number))

    def _id(self, number: int) -> int:
        return self.storage.get_trial_id_from_study_id_trial_number(self._study_id, number)
