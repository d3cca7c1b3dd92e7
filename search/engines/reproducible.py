"""Reproducible studies: what a trial may know of the others, whatever the trainers' speed."""

from __future__ import annotations

import optuna
from optuna.trial import FrozenTrial, TrialState, create_trial

from ..storage.optuna_private import enqueued_point


def lagged_view(study: optuna.Study, number: int, lag: int) -> optuna.Study | None:
    """A study in memory that is as trial `number` may see it: trials up to `number - lag` told.

    The ones between are running, whatever has become of them by now, so that what is proposed
    depends on no trainer's speed (Optuna's issue 3056 asks for this). None while a trial that must
    be told is not.
    """
    trials = study.get_trials(deepcopy=False)
    told = trials[: max(0, number - lag + 1)]
    if not all(trial.state.is_finished() for trial in told):
        return None
    view = optuna.create_study(
        directions=study.directions, sampler=study.sampler, pruner=study.pruner
    )
    view.add_trials(told)
    view.add_trials([_as_running(trial) for trial in trials[len(told) : number]])
    if number < len(trials):  # enqueued, or taken up again
        waiting = trials[number]
        view.enqueue_trial(enqueued_point(waiting))
    return view


def _as_running(trial: FrozenTrial) -> FrozenTrial:
    return create_trial(
        state=TrialState.RUNNING, params=trial.params, distributions=trial.distributions
    )
