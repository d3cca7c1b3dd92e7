"""Plans: what a study is to be, and when it ends."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ...models.data import DataSet
from ...places import Places
from ..engines.strategy import Strategy
from ..environment import here
from ..space.space import Space
from ..storage.ownership import HEARTBEAT
from ..storage.study_config import StudyConfig
from ..trial import State, Trial, best_trial


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


@dataclass(frozen=True, kw_only=True)
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
    joins: StudyConfig | None = None

    @property
    def config(self) -> StudyConfig:
        return StudyConfig(
            name=self.name,
            space=self.space,
            data=self.data.spec,
            data_sha256=self.data.sha256,
            seed=self.seed,
            train_images=self.train_images,
            sampler=self.strategy.sampler,
            pruner=self.strategy.pruner,
            lag=self.strategy.lag,
            keep_models=self.keep_models,
            heartbeat=self.heartbeat,
            trials=self.limits.trials,
            target_score=self.limits.score,
            enqueue=self.enqueue,
            versions=here().computing,
        )

    @property
    def judged(self) -> bool:
        """Whether a pruner judges the trials."""
        return self.strategy.pruner not in ("", "none")
