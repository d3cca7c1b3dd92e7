"""Replaying: a run's training done again, and every number compared to the last bit."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import FmsearchError
from ..models.data import load_training
from ..models.settings import knows_its_length
from ..models.split import split_rows
from ..tracking.recorded import Points
from .artifacts import result_points
from .job import EpochDone, FinalJob, JobFailed, TrainerDied, TrainerSetup, TrialJob
from .recording import Recording
from .result import read_result
from .setup import trainer_setup
from .trainers import load_tensorflow_in_advance, run_alone

OnEpoch = Callable[[EpochDone], None]

TIMES = ("train_seconds",)
"""Metrics that no two trainings share."""


@dataclass(frozen=True)
class Comparison:
    """What came out of a replay.

    Attributes:
        compared: How many numbers are equal, up to the first difference.
        difference: The first one; empty if there is none.
    """

    compared: int
    difference: str


def replay(recording: Recording, on_epoch: OnEpoch = lambda done: None) -> Comparison:
    """Train again what a run records, as far as it went, and compare with what it holds.

    Nothing is written into the store.

    Raises:
        FmsearchError: The training failed.
    """
    load_tensorflow_in_advance()
    with tempfile.TemporaryDirectory() as folder:
        entry = Path(folder) / "result"
        job = (_final if recording.final else _trial)(recording, entry)
        ended = run_alone(job, _setup(recording), on_epoch=on_epoch)
        if isinstance(ended, JobFailed):
            raise FmsearchError(f"the training of {recording.name} fails now: {ended.error}")
        if isinstance(ended, TrainerDied):
            raise FmsearchError(f"the trainer died ({ended}); try again")
        now = {(one.name, one.step): one.value for one in result_points(read_result(entry))}
    return compare(recording.points, now, whole=recording.whole)


def _setup(recording: Recording) -> TrainerSetup:
    space, data = recording.space, recording.data
    if recording.final:
        return trainer_setup(space, data)
    split = split_rows(load_training(data.spec).labels, recording.train_images)
    setup = trainer_setup(space, data, split)
    # A pruned one has means over the folds that it reached; one too large was trained on none.
    folds = setup.folds[: recording.folds] or setup.folds
    return replace(setup, folds=folds, keep_models=False)


def _trial(recording: Recording, entry: Path) -> TrialJob:
    settings = dict(recording.settings)
    epochs = int(settings.pop("epochs"))
    if recording.reached and not recording.whole and not knows_its_length(settings):
        epochs = recording.reached
    checkpoint = entry.with_name("checkpoint.npz")
    return TrialJob({0: epochs}, settings, recording.seed, {0: entry}, checkpoint)


def _final(recording: Recording, entry: Path) -> FinalJob:
    settings = dict(recording.settings)
    epochs = int(settings.pop("epochs"))
    return FinalJob(settings, recording.seed, epochs, entry)


def compare(then: Points, now: Points, *, whole: bool) -> Comparison:
    """Compare all numbers but times, in the order in which they were measured.

    Args:
        then: What a run holds.
        now: What its training gives now.
        whole: Whether the run must hold all of that; else what it holds is compared.
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
