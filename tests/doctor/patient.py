"""A store to be damaged and examined: a finished grid and a finished search."""

from __future__ import annotations

import os
import signal
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run

from fmsearch.models.data import describe
from fmsearch.places import Places
from fmsearch.search.doctor.doctor import Finding, examine
from fmsearch.search.engines.strategy import choose_strategy
from fmsearch.search.space.load import read_space
from fmsearch.search.storage.storage import open_storage
from fmsearch.search.study.plan import Limits, Plan
from fmsearch.search.study.run import run_study
from fmsearch.search.trainers.messages import EpochDone
from fmsearch.search.trial import Trial

GRID = """\
name: grid
model: mlp
engine: keras_tuner
score: {by: cross_validation, folds: 2}
fixed: {hidden_units: 8, layers: 1}
parameters: {optimizer: [adam, rmsprop], epochs: [1, 2]}
"""


# Five that the median pruner lets pass, one that it stops, one whose weights overflow, one that
# repeats another, one that is too large.
SEARCH = """\
name: search
model: mlp
engine: optuna
sampler: random
pruner: median
score: {by: validation}
constraints: {parameters: {at_most: 20000}}
fixed: {epochs: 4, layers: 1, optimizer: adamw, weight_decay: 0.99, batch_size: 4}
parameters:
  hidden_units: [8, 64]
  learning_rate: {float: [0.000001, 99.0], log: true}
published:
  - {hidden_units: 8, learning_rate: 0.01}
  - {hidden_units: 8, learning_rate: 0.009}
  - {hidden_units: 8, learning_rate: 0.008}
  - {hidden_units: 8, learning_rate: 0.007}
  - {hidden_units: 8, learning_rate: 0.006}
  - {hidden_units: 8, learning_rate: 0.000001}
  - {hidden_units: 8, learning_rate: 99.0}
  - {hidden_units: 8, learning_rate: 0.01}
  - {hidden_units: 64, learning_rate: 0.01}
"""
STATES = ["complete"] * 5 + ["pruned", "failed", "complete", "pruned"]


class Quiet:
    """Hears how a study goes on and says nothing; may send Ctrl-C after some trials."""

    def __init__(self, interrupt_after: int | None = None) -> None:
        self.left = interrupt_after

    def on_start(self, trials: list[Trial], total: int | None, jobs: int) -> None:
        """Nothing to say."""

    def on_epoch(self, trainer: int, trials: tuple[Trial, ...], done: EpochDone) -> None:
        """Nothing to say."""

    def on_trial_end(self, trial: Trial, best: Trial | None) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGINT)


def run(
    home: Path,
    images: Path,
    text: str,
    *,
    name: str = "",
    keep_models: int | None = None,
    offline: bool = False,
    callback: Quiet | None = None,
) -> None:
    space = read_space(text, "the test's space")
    trials = len(space.published) or None
    plan = Plan(
        space=space,
        name=name or space.name,
        data=describe(str(images)),
        seed=0,
        jobs=1,
        train_images=400,
        places=Places.of(home),
        offline=offline,
        strategy=choose_strategy(space, None, None, reproducible=False, jobs=1),
        limits=Limits(trials, None, None),
        enqueue=True,
        keep_models=keep_models,
    )
    run_study(plan, callback or Quiet())


@dataclass(frozen=True)
class Patient:
    """A copy of a store, to be damaged."""

    home: Path

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(f"sqlite:///{self.home / 'mlflow.db'}")

    def run(self, name: str) -> Run:
        """The run of that name, such as `grid-0001`."""
        (found,) = self.client.search_runs(["1"], f"attributes.run_name = '{name}'")
        return found

    def id(self, name: str) -> str:
        return str(self.run(name).info.run_id)

    def files(self, name: str) -> Path:
        return Path(self.run(name).info.artifact_uri.removeprefix("file://"))

    def model(self, name: str) -> tuple[str, Path]:
        (model,) = self.client.search_logged_models(["1"], f"source_run_id = '{self.id(name)}'")
        return model.model_id, Path(model.artifact_location.removeprefix("file://"))

    def outbox(self, study: str) -> Path:
        places = Places.of(self.home)
        folder = places.outbox(open_storage(places.storage).study(study).config.label)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def execute(self, *statements: str) -> None:
        """SQL, for what no interface of MLflow's does."""
        with sqlite3.connect(self.home / "mlflow.db") as database:
            for statement in statements:
                database.execute(statement)
        database.close()

    def doctor(self, study: str, *, fix: bool = False) -> Finding:
        (found,) = examine(Places.of(self.home), [study], fix=fix)
        return found


METRICS = ("metrics", "latest_metrics")


def erase(patient: Patient, name: str) -> None:
    """As `mlflow gc` does it, without the wait."""
    which = f"where run_uuid = '{patient.id(name)}'"
    tables = (*METRICS, "params", "tags", "runs")
    patient.execute(*(f"delete from {table} {which}" for table in tables))
