"""Models of one's own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

from .records import run_of

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_a_users_own_model_is_trained_and_tracked_like_the_built_in_ones(  # type: ignore[no-untyped-def]
    fmsearch, images, tmp_path
) -> None:
    for name in ("own_model.py", "own_model.yaml"):
        (tmp_path / name).write_text((EXAMPLES / name).read_text())
    assert len((EXAMPLES / "own_model.py").read_text().splitlines()) < 40
    options = ("--data", images, "--trials", 2, "--train-images", 400, "--jobs", 1)
    done = fmsearch("study", "--space", "own_model.yaml", *options)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    run = run_of(tmp_path / "mlruns", "own_model-0000")
    assert {"width", "activation", "learning_rate"} <= run.data.params.keys()


LAYER = """\
import keras
import scale.factor
@keras.saving.register_keras_serializable()
class Scaled(keras.layers.Layer):
    def call(self, x):
        return x * scale.factor.FACTOR
def build(shape, classes, *, width):
    images = keras.Input(shape)
    x = Scaled()(keras.layers.Flatten()(images))
    x = keras.layers.Dense(width, "relu")(x)
    return keras.Model(images, keras.layers.Dense(classes, "softmax")(x))
"""
SPACE = """\
name: own
model: own:build
engine: optuna
score: {by: validation}
trials: 1
fixed: {epochs: 1}
parameters: {width: [4, 8]}
"""
ELSEWHERE = """
import sys
sys.modules["fmsearch"] = None
import mlflow, numpy
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model("models:/images@champion")
images = numpy.load(sys.argv[2])["x_test"]
print(model.predict(images).argmax(axis=1).tolist())
"""


def test_the_code_of_a_users_model_travels_with_it(  # type: ignore[no-untyped-def]
    fmsearch, images, tmp_path
) -> None:
    (tmp_path / "scale").mkdir()
    (tmp_path / "scale" / "factor.py").write_text("FACTOR = 1 / 255")
    (tmp_path / "own.py").write_text(LAYER)
    (tmp_path / "space.yaml").write_text(SPACE)
    (tmp_path / "unused.py").write_text("")
    options = ("--data", images, "--train-images", 400, "--jobs", 1)
    assert fmsearch("study", "space.yaml", *options).returncode == 0
    done = fmsearch("register", "own", "--model", "images")
    assert done.returncode == 0, done.stderr
    for name in ("own.py", "scale"):
        (tmp_path / name).rename(tmp_path / f"gone_{name}")
    there = tmp_path / "elsewhere"
    there.mkdir()
    store = f"sqlite:///{tmp_path / 'mlruns' / 'mlflow.db'}"
    command = [sys.executable, "-c", ELSEWHERE, store, images]
    done = subprocess.run(command, cwd=there, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout.splitlines()[-1])
    accuracy = np.mean(np.array(answers) == np.load(images)["y_test"])
    (run,) = MlflowClient(store).search_runs(["1"], "run_name = 'own-0000-final'")
    assert accuracy == pytest.approx(run.data.metrics["test_accuracy"])
    models = tmp_path / "mlruns" / "artifacts" / "models"
    code = {str(one.relative_to(one.parents[1])) for one in models.rglob("code/*.py")}
    assert code == {"code/own.py", "code/fmsearch_classifier.py"}
    assert len(list(models.rglob("code/scale/factor.py"))) == 2

    np.save(tmp_path / "images.npy", np.load(images)["x_test"][:2])
    assert len(fmsearch("predict", "images.npy").stdout.splitlines()) == 2
    for file in models.rglob("code/own.py"):
        file.unlink()
    assert fmsearch("predict", "images.npy").stderr == (
        "fmsearch: the model images version 1 cannot be loaded here: there is no module 'own' "
        "here, with which it was made; install it\n"
    )


def test_a_users_model_is_checked_before_the_study(fmsearch, images, tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "own.py").write_text("import nothing_like_this")
    (tmp_path / "space.yaml").write_text(
        "name: own\nmodel: own:build\nengine: optuna\nscore: {by: validation}\n"
        "parameters: {width: [4, 8]}\n"
    )
    done = fmsearch("study", "--space", "space.yaml", "--data", images)
    assert done.returncode == 1
    reason = "ModuleNotFoundError: No module named 'nothing_like_this'"
    assert done.stderr == f"fmsearch: model: own:build: {reason}\n"
    assert not (tmp_path / "mlruns" / "studies.db").exists()
