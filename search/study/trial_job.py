"""The job of a training, for the trials that it answers."""

from __future__ import annotations

from pathlib import Path

from ..outbox import checkpoint_name, entry_name
from ..trainers.jobs import TrialJob
from ..trial import Trial, training_seed
from .plan import Plan


def trial_job(plan: Plan, outbox: Path, trials: tuple[Trial, ...]) -> TrialJob:
    """The job that trains these trials, which differ in their epochs only.

    A trial that has a reason is paused, and is to be pruned for it.
    """
    settings = plan.space.settings(trials[0].parameters)
    epochs = {
        trial.number: int(plan.space.settings(trial.parameters)["epochs"]) for trial in trials
    }
    del settings["epochs"]
    return TrialJob(
        epochs=epochs,
        settings=settings,
        seed=seed_of(plan, trials[0]),
        entries={number: outbox / entry_name(number) for number in epochs},
        checkpoint=outbox / checkpoint_name(trials[0].number),
        ending=trials[0].reason,
    )


def seed_of(plan: Plan, trial: Trial) -> int:
    """Of a training: from the study's seed and the parameters, but for the epochs."""
    return training_seed(plan.seed, trial.parameters)
