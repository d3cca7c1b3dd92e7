"""Studies with trainers that copy a real trainer's result."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fmsearch.models.data import describe
from fmsearch.places import Places
from fmsearch.search.engines.strategy import Strategy
from fmsearch.search.outbox import entry_name, read_result, write_result
from fmsearch.search.space.load import read_space
from fmsearch.search.storage.storage import open_storage
from fmsearch.search.study.plan import Limits, Plan
from fmsearch.search.study.run import run_study
from fmsearch.search.trainers.jobs import Job, TrialJob
from fmsearch.search.trainers.messages import EpochDone, JobDone, Message, Verdict
from fmsearch.search.trial import Trial
from fmsearch.search.whole_folders import new_folder, publish

IMAGES = Path(__file__).parents[2] / "tests" / "data" / "fashion.npz"
SPACE = """\
name: scale
model: mlp
engine: optuna
score: {by: validation}
fixed: {epochs: 1}
parameters:
  batch_size: [32, 64, 128]
  dropout_rate: {float: [0.0, 0.5]}
  hidden_units: {int: [16, 256]}
  learning_rate: {float: [0.0001, 0.01], log: true}
  weight_decay: {float: [0.000001, 0.01], log: true}
"""
FIRST = 20
"""Number of trials that are really trained."""
TRAINER_SECONDS = 0.005


class Quiet:
    """A `StudyCallback` that prints nothing.

    Attributes:
        told_at: The time and this process's CPU time, in s, when each trial was told.
    """

    def __init__(self) -> None:
        self.told_at: list[tuple[float, float]] = []

    def on_start(self, trials: list[Trial], total: int | None, jobs: int) -> None: ...

    def on_epoch(self, trainer: int, trials: tuple[Trial, ...], done: EpochDone) -> None: ...

    def on_trial_end(self, trial: Trial, trials: list[Trial]) -> None:  # noqa: ARG002  # a callback's
        self.told_at.append((time.monotonic(), time.process_time()))


class QuickTrainers:
    """Trainers in this process; each result is a copy of a template."""

    def __init__(self, template: Path, count: int) -> None:
        self._template = template
        self._jobs: list[TrialJob | None] = [None] * count

    def __enter__(self) -> QuickTrainers:
        return self

    def __exit__(self, *_: object) -> None: ...

    def idle(self) -> list[int]:
        return [index for index, job in enumerate(self._jobs) if job is None]

    def give(self, index: int, job: Job) -> None:
        assert isinstance(job, TrialJob)
        self._jobs[index] = job

    def judge(self, index: int, verdict: Verdict) -> None: ...

    def messages(self) -> Iterator[tuple[int, Message]]:
        for index, job in enumerate(self._jobs):
            if job is not None:
                time.sleep(TRAINER_SECONDS)
                for entry in job.entries.values():
                    copy_result(self._template, entry, dict(job.settings))
                self._jobs[index] = None
                yield index, JobDone()


def copy_result(template: Path, entry: Path, settings: dict[str, Any]) -> None:
    """Write a trainer's result into the outbox, with a score that depends on a parameter."""
    result = read_result(template)
    score = 0.9 - abs(float(settings["dropout_rate"]) - 0.2)
    metrics = {**result.metrics, "score": score}
    part = new_folder(entry)
    shutil.copytree(template, part, dirs_exist_ok=True)
    write_result(part, replace(result, settings={**settings, "epochs": 1}, metrics=metrics))
    publish(part, entry)


@dataclass
class Field:
    """A home, a storage and a sampler, with which studies are run."""

    home: Path
    storage: str
    sampler: str

    def plan(self, trials: int | None, *, offline: bool, seconds: float | None = None) -> Plan:
        space = read_space(SPACE, "space")
        return Plan(
            space=space,
            name=space.name,
            data=describe(str(IMAGES)),
            seed=0,
            jobs=1,
            train_images=400,
            places=Places.of(self.home, None, self.storage),
            offline=offline,
            strategy=Strategy(self.sampler, "none"),
            limits=Limits(trials, seconds, None),
        )

    def begin(self) -> Path:
        """Really train the first trials and ship them; return the folder of a result to copy."""
        plan = self.plan(FIRST, offline=True)
        run_study(plan, Quiet())
        (stored,) = open_storage(plan.places.storage).studies()
        template = self.home.with_name("template")
        shutil.copytree(plan.places.outbox(stored.config.label) / entry_name(0), template)
        run_study(self.plan(FIRST, offline=False), Quiet())
        return template
