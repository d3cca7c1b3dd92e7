"""Plans: what a study is to be, and when it ends."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ..errors import FmsearchError
from ..models.data import DataSet
from ..models.settings import Value
from ..tracking.places import Places
from .circumstances import here
from .claims import HEARTBEAT
from .domain import Choice, Parameter, Point
from .space import Space
from .space_file import space_names
from .strategy import Strategy
from .study_record import StudyRecord
from .trial import State, Trial, best_trial


@dataclass(frozen=True)
class Limits:
    """When no more trials are begun; those that run are finished.

    Attributes:
        trials: As many have been begun, earlier sessions included; None for the engine's own end.
        seconds: So long after the beginning of this session.
        score: The best trial has at least this score.
    """

    trials: int | None = None
    seconds: float | None = None
    score: float | None = None

    def are_final(self, trials: Sequence[Trial], since: float) -> bool:
        """Whether no trial may be begun any more, even in place of one that is given back."""
        return replace(self, trials=None).reached(trials, since)

    def reached(self, trials: Sequence[Trial], since: float) -> bool:
        """Whether one is; `since` is the session's beginning, as `time.monotonic` told it."""
        if self.seconds is not None and time.monotonic() - since >= self.seconds:
            return True
        if self.trials is not None:
            begun = sum(trial.state is not State.WAITING for trial in trials)
            if begun >= self.trials:
                return True
        if self.score is None:
            return False
        best = best_trial(trials)
        return best is not None and best.score is not None and best.score >= self.score


@dataclass(frozen=True)
class Plan:
    """A study to run or to resume.

    Attributes:
        space, name, data, seed: What is searched, on what.
        jobs: Trainers.
        train_images: Use only so many of the training images; None for all.
        places: Where everything is kept.
        offline: Whether to do without MLflow.
        strategy: Of an Optuna study.
        limits: When it ends.
        enqueue: Whether a new study begins with its space's published points.
        keep_models: Models of how many of the best trials are kept; None for all.
        checkpoint_every: Seconds between two checkpoints of a training.
        fresh: Whether a study of that name is deleted first.
        heartbeat: Seconds between two signs of life of each worker, of a new study that many share.
        joins: The record of the study that is joined as it is; None for one that is made or
            resumed, whose record this plan makes.
    """

    space: Space
    name: str
    data: DataSet
    seed: int
    jobs: int
    train_images: int | None
    places: Places
    offline: bool
    strategy: Strategy = field(default_factory=Strategy)
    limits: Limits = field(default_factory=Limits)
    enqueue: bool = True
    keep_models: int | None = None
    checkpoint_every: float = 10.0
    fresh: bool = False
    heartbeat: int = HEARTBEAT
    joins: StudyRecord | None = None

    @property
    def record(self) -> StudyRecord:
        return StudyRecord(
            self.name,
            self.space.text,
            self.data.spec,
            self.data.sha256,
            self.seed,
            self.train_images,
            self.strategy.sampler,
            self.strategy.pruner,
            self.strategy.lag,
            self.keep_models,
            self.heartbeat,
            self.limits.trials,
            self.limits.score,
            self.enqueue,
            here().computing,
        )

    @property
    def judged(self) -> bool:
        """Whether a pruner judges the trials."""
        return self.strategy.pruner not in ("", "none")


def check_fit(space: Space, data: DataSet) -> None:
    """See that every point of a space suits the images.

    Raises:
        FmsearchError: One does not.
    """
    largest = _largest(space)
    always = {name: one for name, one in largest.items() if not space.parameters[name].when}
    for point in (largest, always):  # where conditions do not hold, defaults do
        if reason := space.family.fault(space.settings(point), data.image_shape):
            built_in = f"; `fmsearch spaces {space.name}` prints the space, to copy and change"
            way_out = built_in if space.name in space_names() else ""
            raise FmsearchError(
                f"the space {space.name!r} does not fit {data.name}: {reason}{way_out}"
            )


def _largest(space: Space) -> Point:
    """The largest value of every parameter whose values have an order, whenever it applies."""
    point: dict[str, Value] = {}
    for name, parameter in space.parameters.items():
        if not isinstance(parameter.domain, Choice):
            point[name] = parameter.domain.high
        else:
            numbers = [one for one in parameter.domain.values if not isinstance(one, str)]
            point[name] = max(numbers) if numbers else parameter.domain.values[0]
    return point


def example_point(space: Space) -> Point:
    """A point of the space: of each parameter the first or the lowest value."""

    def first(name: str, parameter: Parameter) -> Value:  # noqa: ARG001
        domain = parameter.domain
        return domain.values[0] if isinstance(domain, Choice) else domain.low

    return space.point(first)
