"""One trainer: what it answers to a job, in this process."""

from __future__ import annotations

import multiprocessing
from multiprocessing import Pipe
from pathlib import Path

import numpy as np
import pytest

from fmsearch.errors import FmsearchError
from fmsearch.models.families import FAMILIES, find_family
from fmsearch.models.split import Fold
from fmsearch.search.outbox import read_result
from fmsearch.search.processes.fork_server import receive
from fmsearch.search.trainers.jobs import CheckJob, TrainerSetup, TrialJob
from fmsearch.search.trainers.messages import JobDone, JobFailed
from fmsearch.search.trainers.trainer import Trainer

from ..conftest import IMAGES


def test_a_trial_can_be_trained_where_there_are_no_test_images(tmp_path: Path) -> None:
    with np.load(IMAGES) as whole:
        parts = {name: whole[name] for name in whole.files if not name.endswith("_test")}
    np.savez(tmp_path / "train.npz", **parts)
    rows = np.arange(400, dtype=np.int32)
    setup = TrainerSetup(
        data=str(tmp_path / "train.npz"),
        classes=10,
        model="mlp",
        parameters=(),
        folds=(Fold(rows[:300], rows[300:]),),
    )
    ours, theirs = Pipe()
    settings = FAMILIES["mlp"].complete({"hidden_units": 8})
    job = TrialJob(
        epochs={0: 1},
        settings=settings,
        seed=0,
        entries={0: tmp_path / "trial"},
        checkpoint=tmp_path / "checkpoint.npz",
    )
    Trainer(theirs, setup).answer(job)
    said = [ours.recv() for _ in range(2)]
    assert said[-1] == JobDone()
    assert read_result(tmp_path / "trial").metrics["score"] > 0


def test_images_that_are_gone_are_no_trials_failure(tmp_path: Path) -> None:
    gone = tmp_path / "gone.npz"
    ours, theirs = Pipe()
    setup = TrainerSetup(data=str(gone), classes=10, model="mlp", parameters=())
    Trainer(theirs, setup).answer(CheckJob(FAMILIES["mlp"].complete({}), tmp_path))
    with pytest.raises(FmsearchError, match=r"gone\.npz"):
        receive(ours)


OWN_FAULTS = {
    "def build(s, c, **p): raise ValueError('no')": "ValueError: no",
    "def build(s, c, **p): return 3": "it gives a int, not a keras.Model",
    "def build(s, c): return 3": "TypeError: build() got an unexpected keyword argument 'width'",
    "build = 1": "TypeError: 'int' object is not callable",
    "import keras\ndef build(s, c, **p):\n x = keras.Input(s)\n"
    " return keras.Model(x, keras.layers.Dense(3)(keras.layers.Flatten()(x)))": (
        "it gives outputs of shape (2, 3) for 2 images, not (2, 10)"
    ),
    "import keras\ndef build(s, c, **p):\n x = keras.Input(s)\n"
    " return keras.Model(x, keras.layers.Dense(c)(keras.layers.Flatten()(x)))": (
        "its outputs are no probabilities: end it with a softmax"
    ),
    "import keras, tensorflow as tf\nclass Noise(keras.Layer):\n def call(self, x):\n"
    "  return x + tf.random.normal(tf.shape(x))\ndef build(s, c, **p):\n x = keras.Input(s)\n"
    " y = Noise()(keras.layers.Flatten()(x))\n"
    " return keras.Model(x, keras.layers.Dense(c, activation='softmax')(y))": (
        "its layers draw random numbers by TensorFlow's RandomStandardNormal, which a trial cannot "
        "repeat: draw them by keras.random, with a keras.random.SeedGenerator that is an attribute "
        "of the layer"
    ),
}


@pytest.mark.parametrize(("code", "expected"), OWN_FAULTS.items())
def test_a_users_model_that_does_not_fit_is_found_out(  # type: ignore[no-untyped-def]
    images, tmp_path, monkeypatch, code, expected
) -> None:
    name = f"own_{abs(hash(code))}"
    (tmp_path / f"{name}.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    ours, theirs = multiprocessing.Pipe()
    trainer = Trainer(
        theirs,
        TrainerSetup(data=str(images), classes=10, model=f"{name}:build", parameters=("width",)),
    )
    settings = find_family(f"{name}:build", ["width"]).complete({"width": 4})
    trainer.answer(CheckJob(settings, tmp_path))
    assert ours.recv() == JobFailed(expected)
