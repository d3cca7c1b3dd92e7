"""Choosing the trial that is registered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ...errors import FmsearchError
from ..space.space import MAXIMIZE
from ..storage.stored_study import StoredStudy
from ..trial import Trial, ranking


@dataclass(frozen=True)
class Choice:
    """A trial, and why this one, in words that go on after "chosen as"."""

    trial: Trial
    why: str


def choose(
    stored: StoredStudy,
    *,
    number: int | None = None,
    most_parameters: int | None = None,
    most_seconds: float | None = None,
    seconds_of: Callable[[Trial], float] = lambda trial: 0.0,
) -> Choice:
    """The best complete trial within the limits; with several objectives and no limit, the knee.

    Args:
        stored: Its study.
        number: Of the trial; None to choose one.
        most_parameters: Limit of its network's size; None for any size.
        most_seconds: Limit of the time for one image; None for any.
        seconds_of: Measures that time; asked of one trial after another, the best first, until
            one is within the limit.

    Raises:
        FmsearchError: There is no such trial.
    """
    name = stored.config.name
    if number is not None:
        return Choice(_numbered(stored, number), "the one that was asked for")
    if stored.best() is None:
        raise FmsearchError(f"the study {name!r} has no complete trial yet")
    trials = ranking(stored.trials())
    why = "the one with the best score"
    if most_parameters is not None:
        trials = _small(trials, most_parameters, name)
        why += f" among those of at most {most_parameters:,} parameters"
    if most_seconds is not None:
        trial, seconds = _quick(trials, most_seconds, seconds_of, name)
        within = f"that answers for an image within {1000 * most_seconds:g} ms"
        return Choice(trial, f"{why} {within} (it takes {1000 * seconds:.3g} ms)")
    objectives = stored.config.space.objectives
    if most_parameters is None and len(objectives) > 1:
        front = {one.number for one in stored.study().best_trials}
        trial = knee([trial for trial in trials if trial.number in front], objectives)
        return Choice(trial, "the knee of the Pareto front")
    return Choice(trials[0], why)


def knee(front: Sequence[Trial], objectives: Mapping[str, str]) -> Trial:
    """The trial of a Pareto front beyond which a gain in one objective costs most of another.

    Each objective is scaled to its range on the front, and the point farthest from the line (or
    plane) through the ends is taken: Das, "On characterizing the knee of the Pareto curve based on
    normal-boundary intersection", Structural Optimization 18 (1999). Of equals, as of a front of
    two, the one with the higher score.

    Args:
        front: The highest score first.
        objectives: Each with its direction.
    """

    def gains(name: str, direction: str) -> list[float]:
        sign = 1 if direction == MAXIMIZE else -1
        values = [sign * trial.metrics[name] for trial in front]
        low, span = min(values), max(values) - min(values)
        return [(value - low) / span if span else 0.0 for value in values]

    scaled = zip(*(gains(*objective) for objective in objectives.items()), strict=True)
    sums = [round(sum(one), 12) for one in scaled]  # on the line they are all the same
    return front[sums.index(max(sums))]


def _small(trials: Sequence[Trial], most: int, name: str) -> list[Trial]:
    small = [trial for trial in trials if trial.metrics["parameters"] <= most]
    if small:
        return small
    least = min(int(trial.metrics["parameters"]) for trial in trials)
    raise FmsearchError(
        f"no complete trial of {name!r} has at most {most:,} parameters; the smallest has {least:,}"
    )


def _quick(
    trials: Sequence[Trial], most: float, seconds_of: Callable[[Trial], float], name: str
) -> tuple[Trial, float]:
    measured: list[tuple[float, int]] = []
    for trial in trials:
        seconds = seconds_of(trial)
        if seconds <= most:
            return trial, seconds
        measured.append((seconds, trial.number))
    seconds, number = min(measured)
    raise FmsearchError(
        f"no complete trial of {name!r} answers for an image within {1000 * most:g} ms; the "
        f"fastest, trial {number}, takes {1000 * seconds:.3g} ms"
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
