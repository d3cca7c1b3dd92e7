"""A model as MLflow loads it, where fmsearch is not installed: what it takes, and what it says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmsearch.models.families import FAMILIES
from fmsearch.tracking.classifier import Classifier
from fmsearch.tracking.model_folder import write_model_folder
from fmsearch.tracking.run_record import LoggedModel

NAMES = ("Bag", "Ankle boot", "Shirt")


@pytest.fixture(scope="module")
def keras_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = FAMILIES["mlp"].complete({"hidden_units": 4, "layers": 1, "dropout_rate": 0.1})
    file = tmp_path_factory.mktemp("model") / "model.keras"
    FAMILIES["mlp"].make((28, 28), 3, settings).save(file)
    return file


@pytest.fixture(scope="module")
def folder(keras_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("folder")
    write_model_folder(folder, LoggedModel(keras_file, NAMES, 1, np.zeros((1, 28, 28), np.uint8)))
    return folder


@pytest.fixture(scope="module")
def model(folder: Path) -> Any:
    import mlflow

    return mlflow.pyfunc.load_model(str(folder))


@pytest.fixture
def pixels() -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(0).integers(0, 256, (5, 28, 28), "uint8")


def test_images_are_taken_as_people_have_them(model, pixels) -> None:  # type: ignore[no-untyped-def]
    expected = model.predict(pixels)
    assert (expected.shape, expected.dtype) == ((5, 3), np.float32)
    assert np.allclose(expected.sum(axis=1), 1)
    for same in (
        pixels[..., None],
        pixels.astype("int64"),
        pixels.astype("float64"),
        pixels.astype("float32") / 255,
        pixels.tolist(),
        list(pixels),
        pixels.reshape(5, 784),
    ):
        assert np.array_equal(model.predict(same), expected)
    for one in (pixels[2], pixels[2][..., None], pixels[2] / 255, pixels[2].tolist()):
        assert np.allclose(model.predict(one), expected[2:3], atol=1e-6)
    assert model.predict(pixels[:0]).shape == (0, 3)


def test_a_model_of_channels_takes_channels() -> None:
    class Network:
        def predict_on_batch(self, images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
            assert (images.dtype, images.shape[1:]) == (np.uint8, shape)
            return np.ones((len(images), 3), "float32") / 3

    for shape, given in (
        ((8, 9, 3), (8, 9, 3)),
        ((8, 9, 3), (2, 8, 9, 3)),
        ((8, 9, 1), (8, 9)),
        ((8, 9, 1), (2, 8, 9)),
        ((8, 9, 1), (2, 8, 9, 1)),
    ):
        classifier = Classifier(Network(), NAMES, shape)  # type: ignore[arg-type]
        assert len(classifier.predict(np.zeros(given, "uint8"))) == (1 if given[0] == 8 else 2)


def test_it_can_name_classes(model, pixels) -> None:  # type: ignore[no-untyped-def]
    answers = model.predict(pixels)
    table = model.predict(pixels, params={"class_names": True})
    assert list(table.columns) == ["class", "probability", *NAMES]
    assert list(table["class"]) == [NAMES[number] for number in answers.argmax(axis=1)]
    assert np.array_equal(table["probability"], answers.max(axis=1))
    assert np.array_equal(table[list(NAMES)], answers)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (np.zeros((2, 27, 28), "uint8"), "the images have shape (2, 27, 28); they must have "),
        (np.zeros((2, 28, 28, 3), "uint8"), "the images have shape (2, 28, 28, 3); they must have"),
        ([], "the images have shape (0,); they must have (n, 28, 28) or (n, 28, 28, 1), or be one"),
        ([[1, 2], [3]], "the images are not all of one shape"),
        (["ankle boot"], "pixels are numbers, not <U10"),
        (np.full((28, 28), 256), "pixels are from 256 to 256; they must be from 0 to 255, or 0 to"),
        (np.full((28, 28), -1), "pixels are from -1 to -1"),
        (np.full((28, 28), np.nan), "pixels are from nan to nan"),
    ],
)
def test_what_is_no_image_is_one_line(model, data, reason) -> None:  # type: ignore[no-untyped-def]
    from mlflow.exceptions import MlflowException

    with pytest.raises(MlflowException) as caught:
        model.predict(data)
    assert str(caught.value).startswith(reason)
    assert len(str(caught.value).splitlines()) == 1


def test_it_answers_where_fmsearch_is_not_installed(folder, model, pixels, tmp_path) -> None:  # type: ignore[no-untyped-def]
    code = """
import json, sys
sys.modules["fmsearch"] = None
import mlflow
pixels = json.load(sys.stdin)
table = mlflow.pyfunc.load_model(sys.argv[1]).predict(pixels, params={"class_names": True})
print(json.dumps(list(table["class"])))
"""
    done = _run(code, folder, tmp_path, json.dumps(pixels.tolist()))
    expected = model.predict(pixels, params={"class_names": True})
    assert json.loads(done.splitlines()[-1]) == list(expected["class"])


def test_its_keras_file_needs_tensorflow_alone(keras_file, pixels, tmp_path) -> None:  # type: ignore[no-untyped-def]
    code = """
import json, sys
sys.modules |= dict.fromkeys(("fmsearch", "mlflow", "optuna", "sklearn", "keras_tuner"))
import keras, numpy
model = keras.saving.load_model(sys.argv[1])
print(model.predict(numpy.array(json.load(sys.stdin), "uint8"), verbose=0).shape)
"""
    done = _run(code, keras_file, tmp_path, json.dumps(pixels.tolist()))
    assert done.splitlines()[-1] == "(5, 3)"


def _run(code: str, path: Path, folder: Path, said: str) -> str:
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, cwd=folder, input=said, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout
