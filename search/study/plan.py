"""Plans: the options of a study, and its limits."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ...errors import FmsearchError
from ...models.data import DataSet
from ...models.kernels import kernels_of_user
from ...models.memory import check_training
from ...models.metrics import find_metric
from ...places import Places
from ..engines.strategy import Strategy
from ..space.space import Space
from ..storage.ownership import HEARTBEAT
from ..storage.study_config import StudyConfig
from ..trial import State, Trial, best_trial
from .stopping import since_gain


@dataclass(frozen=True)
class Limits:
    """Limits of a study; when one is reached, no more trials are begun. None is no limit.

    Attributes:
        trials: Number of begun trials, those of earlier sessions included.
        seconds: Duration of this session.
        score: Score of the best trial.
        patience: Number of finished trials since the last gain, as `since_gain` counts them.
        images: Number of validation images, for that.
    """

    trials: int | None = None
    seconds: float | None = None
    score: float | None = None
    patience: int | None = None
    images: int = 1

    def are_final(self, trials: Sequence[Trial], since: float) -> bool:
        """Whether no trial may be begun, not even to replace one that was given back."""
        return replace(self, trials=None).reached(trials, since)

    def time_is_up(self, since: float) -> bool:
        """Whether this session is over; `since` as in `reached`."""
        return self.seconds is not None and time.monotonic() - since >= self.seconds

    def reached(self, trials: Sequence[Trial], since: float) -> bool:
        """Whether a limit is reached; `since` is `time.monotonic` at the session's beginning."""
        if self.time_is_up(since):
            return True
        if self.trials is not None:
            begun = sum(trial.state is not State.WAITING for trial in trials)
            if begun >= self.trials:
                return True
        if self.patience is not None and since_gain(trials, self.images) >= self.patience:
            return True
        if self.score is None:
            return False
        best = best_trial(trials)
        return best is not None and best.score is not None and best.score >= self.score


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A study to run or to resume.

    Attributes:
        jobs: Number of trainers.
        train_images: Number of training images to use; None for all.
        offline: Whether to do without MLflow.
        enqueue: Whether a new study begins with its space's published points.
        keep_models: Number of best trials whose models are kept; None for all.
        checkpoint_every: Seconds between two checkpoints of a training.
        fresh: Whether an existing study of that name is deleted first.
        retry_failed: Whether trials that failed in earlier sessions are tried again.
        heartbeat: Seconds between two heartbeats of each worker, for a new study.
        joins: The config of a study to join, which is not changed; None for a study to create or to
            resume, which gets this plan's config.
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
    retry_failed: bool = False
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
            patience=self.limits.patience,
            enqueue=self.enqueue,
        )

    @property
    def judged(self) -> bool:
        """Whether the study has a pruner."""
        return self.strategy.pruner not in ("", "none")


def check_plan(plan: Plan) -> None:
    """See that a plan's options go together, its kernels are known, and its images fit in memory.

    Raises:
        FmsearchError: They do not, or are not.
    """
    kernels_of_user()
    check_training(plan.data.spec, plan.data.bytes, plan.jobs)
    space, limits = plan.space, plan.limits
    is_grid = space.traits.tries_every_point
    options = {
        "--trials": limits.trials,
        "--patience": limits.patience,
        "--enqueue": not plan.enqueue,
    }
    for option, given in options.items():
        if is_grid and given:
            raise FmsearchError(
                f"the space {space.name!r} is a grid, which tries every point: it has no {option}"
            )
    metric = find_metric(space.metric)
    if limits.score is not None and not metric.low <= limits.score <= metric.high:
        raise FmsearchError(
            f"--target-score {limits.score:g}: {metric.words} is from {metric.low:g} to "
            f"{metric.high:g}"
        )
    if plan.strategy.lag and {limits.seconds, limits.score, limits.patience} != {None}:
        raise FmsearchError(
            "--reproducible: when a study ends by --timeout, --target-score or --patience depends "
            "on its trainers' speed; use --trials"
        )
    if plan.keep_models and len(space.objectives) > 1:
        raise FmsearchError(
            "--keep-models best:K ranks by the score alone, and this study has several objectives; "
            "use all or none"
        )
    if plan.retry_failed and plan.fresh:
        raise FmsearchError("--fresh leaves no trial that --retry-failed could try again")
    if plan.retry_failed and plan.strategy.lag:
        raise FmsearchError(
            "--retry-failed: what a --reproducible study proposed after a failure depends on it"
        )
    if plan.retry_failed and plan.offline:
        raise FmsearchError("--retry-failed marks runs in MLflow, which --offline does without")
    if plan.fresh and plan.offline:
        raise FmsearchError("--fresh deletes runs in MLflow, which --offline does without")
