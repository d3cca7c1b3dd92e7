"""Choosing the trial whose parameters are registered."""

from __future__ import annotations

from ...errors import FmsearchError
from ..storage.stored_study import StoredStudy
from ..trial import Trial, ranking


def choose(
    stored: StoredStudy, *, number: int | None = None, most_parameters: int | None = None
) -> Trial:
    """The best complete trial, or that with a number.

    Args:
        stored: Its study.
        number: Of the trial; None for the best one.
        most_parameters: Limit of its network's size; None for any size.

    Raises:
        FmsearchError: There is no such trial.
    """
    name = stored.config.name
    if number is not None:
        return _numbered(stored, number)
    best = stored.best()
    if best is None:
        raise FmsearchError(f"the study {name!r} has no complete trial yet")
    if most_parameters is None:
        return best
    complete = ranking(stored.trials())
    for trial in complete:
        if trial.metrics["parameters"] <= most_parameters:
            return trial
    least = min(int(trial.metrics["parameters"]) for trial in complete)
    raise FmsearchError(
        f"no complete trial of {name!r} has at most {most_parameters:,} parameters; "
        f"the smallest has {least:,}"
    )


def _numbered(stored: StoredStudy, number: int) -> Trial:
    name, trials = stored.config.name, stored.trials()
    if number >= len(trials):
        raise FmsearchError(f"the study {name!r} has no trial {number}; it has {len(trials)}")
    trial = trials[number]
    if trial.score is None:
        raise FmsearchError(
            f"trial {number} of {name!r} is {trial.status}; only a complete one can be registered"
        )
    return trial
