"""The folder of a model: no pickle in it, and code of a network's own is not loaded."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fmsearch.tracking.model_folder import write_model_folder
from fmsearch.tracking.run_record import LoggedModel


def test_a_model_says_what_it_takes_and_gives(model: Path) -> None:
    from mlflow.models import Model
    from mlflow.pyfunc.scoring_server import infer_and_parse_data  # what the server does

    described = Model.load(str(model))
    assert described.metadata["class_names"] == ["a", "b"]
    assert described.load_input_example(str(model)).shape == (1, 28, 28)
    served = json.loads(described.get_serving_input(str(model)))
    assert infer_and_parse_data(served).shape == (1, 28, 28)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model's folder, as it is shipped, whose network carries code of its own."""
    import keras

    network = keras.Sequential([keras.Input((28, 28)), keras.layers.Lambda(lambda x: x + 1)])
    network.save(tmp_path / "model.keras")
    folder = tmp_path / "folder"
    folder.mkdir()
    write_model_folder(
        folder,
        LoggedModel(tmp_path / "model.keras", ("a", "b"), 1, np.zeros((1, 28, 28), np.uint8)),
    )
    return folder


def test_a_model_that_carries_code_is_not_loaded(model: Path) -> None:
    import mlflow

    with pytest.raises(ValueError, match=r"safe_mode|unsafe|Lambda"):
        mlflow.pyfunc.load_model(str(model))


def test_a_models_folder_holds_no_pickle(model: Path) -> None:
    files = {str(file.relative_to(model)) for file in model.rglob("*") if file.is_file()}
    assert files == {
        "MLmodel",
        "code/fmsearch_classifier.py",
        "data/keras_module.txt",
        "data/model.keras",
        "input_example.json",
        "python_env.yaml",
        "requirements.txt",
        "serving_input_example.json",
    }
