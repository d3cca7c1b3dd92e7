"""Optuna's search: a sampler proposes, a pruner judges, and no parameters are trained twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import optuna
from optuna.samplers import RandomSampler
from optuna.trial import FrozenTrial, TrialState

from ...models.seeds import derive_seed
from ...models.settings import Value
from ..pruners import make_pruner
from ..result import Result
from ..samplers import make_sampler
from ..space.parameters import Choice, IntInterval, Parameter
from ..space.space import Space
from ..storage.attributes import Decision, is_paused, is_running
from ..storage.optuna_private import id_of
from ..storage.ownership import OWNER
from ..storage.stored_study import StoredStudy
from ..trial import State, Trial, Verdict
from .pausing import Pausing
from .reproducible import lagged_view
from .strategy import Strategy


@dataclass(frozen=True)
class _Asked:
    """A running trial of Optuna's, and the one that its pruner judges.

    They are one, but for reproducible studies, where the judge sees only what it may.
    """

    trial: optuna.Trial
    judge: optuna.Trial

    def report(self, value: float, step: int) -> None:
        self.trial.report(value, step)
        if self.judge is not self.trial:
            self.judge.report(value, step)


class OptunaEngine:
    """The engine of an Optuna study, on a storage."""

    asks_ahead = False

    def __init__(self, space: Space, stored: StoredStudy, strategy: Strategy, seed: int) -> None:
        """Of a space and its study, which it takes up where it stands."""
        self._space = space
        self._stored = stored
        self._strategy = strategy
        self._seed = seed
        self._pausing = Pausing.of(space, stored, strategy.pruner)
        self._running: dict[int, _Asked] = {}
        # What has failed may go well another time; a reproducible study gives it no other time, as
        # whether it has failed when its like is proposed depends on the trainers' speed.
        self._lasting = {TrialState.COMPLETE, TrialState.PRUNED}
        if strategy.lag:
            self._lasting.add(TrialState.FAIL)
        self._known: dict[str, int] = {}
        self._noted: set[int] = set()

    @cached_property
    def _study(self) -> optuna.Study:
        return optuna.load_study(
            study_name=self._stored.config.name,
            storage=self._pausing.view if self._pausing else self._stored.storage,
            pruner=make_pruner(self._strategy.pruner, self._space),
        )

    def begin(self) -> None:
        if not self._stored.config.enqueue:
            return
        with self._stored.ownership.alone():
            trials = self._stored.trials()
            if all(one.state is State.WAITING for one in trials):  # an earlier call may be cut off
                for point in self._space.published[len(trials) :]:
                    self._study.enqueue_trial(dict(point))

    def ask(self, *, begin: bool = True, promote: bool = True) -> tuple[Trial, ...]:
        if not begin and self._pausing is None:
            return ()
        while True:
            with self._stored.ownership.alone(), self._stored.ownership.ignore_finished_by_others():
                return self._ask(begin=begin, promote=promote)

    def _ask(self, *, begin: bool, promote: bool) -> tuple[Trial, ...]:
        if self._strategy.lag:
            self._stored.check_run_nowhere_else()  # both may have begun at once
        trials = self._stored.frozen()
        self._note(trials)
        waiting = next((trial for trial in trials if trial.state is TrialState.WAITING), None)
        begin = begin and (waiting is not None or len(self._known) < self._space.trainings)
        if self._pausing is not None:
            resumed = self._resume(self._pausing, trials, begin=begin, promote=promote)
            if resumed:
                return resumed
        if not begin:
            return ()  # the study is long enough, or every training is known or being tried
        asked = self._open(waiting, len(trials) if waiting is None else waiting.number)
        if asked is None:
            return ()
        self._stored.ownership.take(id_of(asked))
        self._noted.add(asked.number)
        first = self._known.setdefault(self._space.key(asked.params), asked.number)
        again = first if first != asked.number else None
        return (Trial(asked.number, asked.params, State.RUNNING, duplicate_of=again),)

    def _note(self, trials: Sequence[FrozenTrial]) -> None:
        """Remember which points are known, or being tried by somebody."""
        for trial in trials:
            if trial.number in self._noted:
                if trial.state is TrialState.FAIL:  # somebody else's; ours are forgotten
                    self._unlearn(trial.number, trial.params)
                continue
            noted = OWNER in trial.user_attrs or is_paused(trial)
            running = trial.state is TrialState.RUNNING and noted
            if running or trial.state in self._lasting:
                self._noted.add(trial.number)
                self._known.setdefault(self._space.key(trial.params), trial.number)

    def _open(self, waiting: FrozenTrial | None, number: int) -> optuna.Trial | None:
        """Trial `number`, with all its parameters; None if its time has not come."""
        sampler = make_sampler(
            self._strategy.sampler, self._space, derive_seed(self._seed, "sampler", number)
        )
        self._study.sampler = sampler
        judge = None
        if self._strategy.lag:
            view = lagged_view(self._study, number, self._strategy.lag)
            if view is None:
                return None
            judge = view.ask()
            self._suggest(judge)
            reported = self._stored.reported(waiting.number) if waiting else {}
            for step, value in reported.items():  # before it was given back
                judge.report(value, step)
            if waiting is None:
                self._study.enqueue_trial(judge.params)
            self._study.sampler = RandomSampler()  # which is not asked: all values are set
        asked = self._study.ask()
        self._suggest(asked)
        self._running[asked.number] = _Asked(asked, judge or asked)
        return asked

    def _resume(
        self, pausing: Pausing, trials: Sequence[FrozenTrial], *, begin: bool, promote: bool
    ) -> tuple[Trial, ...]:
        """Take a paused trial that is to go on or, if nothing else can, to end."""
        number, reason = (pausing.promoted(trials, last=not begin) if promote else None), ""
        if number is None:
            over = not begin and not self._any_trained(trials)
            number, reason = pausing.given_up(trials, over=over)
        if number is None or not self._stored.pauses.resume(number):
            return ()
        self._study.sampler = RandomSampler()  # which is not asked: all values are set
        asked = optuna.Trial(self._study, id_of(trials[number]))
        self._running[number] = _Asked(asked, asked)
        return (replace(self._stored.trial(number), reason=reason),)

    def _any_trained(self, trials: Sequence[FrozenTrial]) -> bool:
        """Whether a trial is being trained; one that repeats another one only waits for it."""
        running = [one for one in trials if is_running(one)]
        return any(self._known.get(self._space.key(one.params)) == one.number for one in running)

    def _suggest(self, asked: optuna.Trial) -> None:
        self._space.point(lambda name, parameter: _suggest(asked, name, parameter))

    def report(self, trial: Trial, step: int, scores: tuple[float, ...], *, last: bool) -> Verdict:
        if len(self._space.objectives) > 1:
            return Verdict()  # Optuna prunes by one objective only
        if self._stored.owns(trial.number):
            with self._stored.ownership.ignore_finished_by_others():
                return self._judge(trial, step, scores, last=last)
        return Verdict()  # another worker has it: what comes of it here will not count

    def _judge(self, trial: Trial, step: int, scores: tuple[float, ...], *, last: bool) -> Verdict:
        asked = self._running[trial.number]
        decided = self._stored.decision(trial.number)
        if decided is not None:  # before an earlier session ended
            return Verdict(decided.reason if step >= decided.step else "")
        reported = self._stored.reported(trial.number)
        if reported and step < max(reported):
            return Verdict()  # trained again after a restart, and judged before it
        # Wilcoxon's test compares folds one by one; the other pruners a number so far.
        value = scores[-1] if self._strategy.pruner == "wilcoxon" else sum(scores) / len(scores)
        if step not in reported:
            asked.report(value, step)
        if self._pausing is not None:
            return Verdict(pause=not last and self._pausing.pauses(trial, step))
        if last or not asked.judge.should_prune():
            return Verdict()
        reason = f"{self._strategy.pruner} pruner, at {value:.4f} after {self._space.step} {step}"
        self._stored.decide(trial.number, Decision(step, reason))
        return Verdict(reason)

    def tell(self, trial: Trial, result: Result) -> bool:
        self._running.pop(trial.number, None)
        return self._stored.tell(trial, result)

    def repeat(self, trial: Trial, earlier: Trial) -> bool:
        self._running.pop(trial.number, None)
        return self._stored.repeat(trial, earlier)

    def fail(self, trial: Trial, reason: str) -> bool:
        self._forget(trial)
        return self._stored.fail(trial, reason)

    def release(self, trial: Trial) -> None:
        self._forget(trial)
        self._stored.release(trial.number)

    def _forget(self, trial: Trial) -> None:
        self._running.pop(trial.number, None)
        self._unlearn(trial.number, trial.parameters)

    def _unlearn(self, number: int, point: Mapping[str, Value]) -> None:
        if TrialState.FAIL in self._lasting:
            return
        self._noted.discard(number)
        key = self._space.key(point)
        if self._known.get(key) == number:
            del self._known[key]


def _suggest(trial: optuna.Trial, name: str, parameter: Parameter) -> Value:
    domain = parameter.domain
    if isinstance(domain, Choice):
        return trial.suggest_categorical(name, domain.values)  # type: ignore[return-value]
    if isinstance(domain, IntInterval):
        return trial.suggest_int(name, domain.low, domain.high, step=domain.step, log=domain.log)
    return trial.suggest_float(name, domain.low, domain.high, log=domain.log)
