"""Replaying: a run's training is done again, and every number is compared to the last bit."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ...errors import FmsearchError
from ...models.data import load_training
from ...models.settings import knows_its_length
from ...models.split import split_rows
from ...tracking.stored_runs import MetricValues
from ..outbox import read_result
from ..processes.fork_server import load_tensorflow_in_advance
from ..runs.values import result_metrics
from ..trainers.jobs import FinalJob, TrainerSetup, TrialJob
from ..trainers.messages import EpochDone
from ..trainers.pool import run_job
from ..trainers.setup import trainer_setup
from .recorded_training import RecordedTraining

OnEpoch = Callable[[EpochDone], None]

TIMES = ("train_seconds",)
"""Metrics that differ each time, and are not compared."""


@dataclass(frozen=True)
class Comparison:
    """The result of a replay.

    Attributes:
        compared: Number of equal numbers before the first difference.
        difference: The first difference; empty if there is none.
    """

    compared: int
    difference: str


def replay(recorded: RecordedTraining, on_epoch: OnEpoch = lambda done: None) -> Comparison:
    """Train a run again, up to where it ended, and compare the numbers.

    Nothing is written into the store.

    Raises:
        FmsearchError: The training failed.
    """
    load_tensorflow_in_advance(recorded.kernels)
    with tempfile.TemporaryDirectory() as folder:
        entry = Path(folder) / "result"
        job = (_final if recorded.final else _trial)(recorded, entry)
        if error := run_job(job, _setup(recorded), on_epoch=on_epoch):
            raise FmsearchError(f"the training of {recorded.name} fails now: {error}")
        # Epochs come before what is computed from them.
        measured = sorted(result_metrics(read_result(entry)), key=lambda one: one.step == 0)
        now = {(one.name, one.step): one.value for one in measured}
    return compare(recorded.metrics, now, whole=recorded.whole)


def _setup(recorded: RecordedTraining) -> TrainerSetup:
    space, data = recorded.space, recorded.data
    if recorded.final:
        return trainer_setup(space, data)
    labels = load_training(data.prepared).labels
    setup = trainer_setup(space, data, (split_rows(labels, recorded.train_images), labels))
    # A pruned run has means over the folds it reached; a too large network was trained on none.
    folds = setup.folds[: recorded.folds] or setup.folds
    return replace(setup, folds=folds, keep_models=False)


def _trial(recorded: RecordedTraining, entry: Path) -> TrialJob:
    settings = dict(recorded.settings)
    epochs = int(settings.pop("epochs"))
    if recorded.reached and not recorded.whole and not knows_its_length(settings):
        epochs = recorded.reached
    return TrialJob(
        epochs={0: epochs},
        settings=settings,
        seed=recorded.seed,
        entries={0: entry},
        checkpoint=entry.with_name("checkpoint.npz"),
    )


def _final(recorded: RecordedTraining, entry: Path) -> FinalJob:
    settings = dict(recorded.settings)
    epochs = int(settings.pop("epochs"))
    return FinalJob(settings=settings, seed=recorded.seed, epochs=epochs, folder=entry)


def compare(then: MetricValues, now: MetricValues, *, whole: bool) -> Comparison:
    """Compare all numbers except times, in the order in which they were measured.

    Args:
        then: The run's numbers.
        now: The numbers of its training now.
        whole: Whether the run must have all numbers of `now`; else only those it has are compared.
    """
    keys = [key for key in now if whole or key in then] + [key for key in then if key not in now]
    keys = [key for key in keys if key[0] not in TIMES]
    for equal, key in enumerate(keys):
        if then.get(key) != now.get(key):
            name, step = key
            where = f"{name} at epoch {step}" if step else name
            return Comparison(
                equal, f"{where}: {then.get(key, 'nothing')} then, {now.get(key, 'nothing')} now"
            )
    return Comparison(len(keys), "")
