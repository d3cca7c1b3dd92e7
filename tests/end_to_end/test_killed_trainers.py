"""A training whose process dies goes on from its last checkpoint."""

from __future__ import annotations

import os
import signal
import threading
from multiprocessing import forkserver
from pathlib import Path

from fmsearch.models.data import describe
from fmsearch.places import Places
from fmsearch.search.processes.fork_server import load_tensorflow_in_advance
from fmsearch.search.space.load import read_space
from fmsearch.search.study.plan import Plan
from fmsearch.search.study.run import run_study
from fmsearch.search.trainers.messages import EpochDone
from fmsearch.search.trial import State, Trial

from ..conftest import newest_trainer

SPACE = """\
name: one
model: mlp
engine: keras_tuner
score: {by: cross_validation, folds: 2}
fixed: {epochs: 4, hidden_units: 8, dropout_rate: 0.2}
parameters: {layers: [1]}
"""


class Recorder:
    """Notes the epochs of a study; kills its trainer after some of them."""

    def __init__(self, deadly: set[tuple[int, int]]) -> None:
        self.epochs: list[tuple[int, int]] = []
        self.deadly = deadly

    def on_start(self, trials: list[Trial], total: int | None, jobs: int) -> None:
        """Nothing to note."""

    def on_trial_end(self, trial: Trial, trials: list[Trial]) -> None:
        """Nothing to note."""

    def on_epoch(self, trainer: int, trials: tuple[Trial, ...], done: EpochDone) -> None:
        place = (done.fold, done.epoch)
        self.epochs.append(place)
        if place in self.deadly:
            self.deadly.remove(place)
            os.kill(newest_trainer(), signal.SIGKILL)


def run(home: Path, images: Path, recorder: Recorder) -> list[Trial]:
    plan = Plan(
        space=read_space(SPACE, "one"),
        name="one",
        data=describe(str(images)),
        seed=0,
        jobs=1,
        train_images=400,
        places=Places.of(home),
        offline=True,
        checkpoint_every=0.0,
    )
    return run_study(plan, recorder).trials


def test_a_killed_trainers_training_goes_on_from_its_last_epoch_bit_for_bit(
    images: Path, tmp_path: Path
) -> None:
    undisturbed = run(tmp_path / "undisturbed", images, Recorder(set()))
    recorder = Recorder({(1, 2), (2, 3)})
    killed = run(tmp_path / "killed", images, recorder)
    assert not recorder.deadly
    # What came after the last checkpoint is done again, but no fold from its first epoch.
    assert recorder.epochs.count((1, 1)) == recorder.epochs.count((2, 1)) == 1
    assert [t.fold_scores for t in killed] == [t.fold_scores for t in undisturbed]
    assert not list((tmp_path / "killed").rglob("checkpoint-*"))


def test_a_dead_fork_server_is_replaced_when_a_trainer_starts(images: Path, tmp_path: Path) -> None:
    places = Places.of(tmp_path)
    data = describe(str(images))
    space = read_space(SPACE, "one")
    load_tensorflow_in_advance()
    server = forkserver._forkserver._forkserver_pid
    os.kill(server, signal.SIGSTOP)  # it takes a trainer's order, and dies before it answers
    threading.Timer(0.3, os.kill, (server, signal.SIGKILL)).start()
    plan = Plan(
        space=space,
        name="one",
        data=data,
        seed=0,
        jobs=1,
        train_images=400,
        places=places,
        offline=True,
    )
    assert [trial.state for trial in run_study(plan, Recorder(set())).trials] == [State.COMPLETE]
