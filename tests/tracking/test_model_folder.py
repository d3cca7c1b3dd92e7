"""The folder of a model: no pickle in it, and code of a network's own is not loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from fmsearch.tracking.model_folder import write_model_folder
from fmsearch.tracking.run_record import LoggedModel


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model's folder, as it is shipped, whose network carries code of its own."""
    import keras

    network = keras.Sequential([keras.Input((28, 28)), keras.layers.Lambda(lambda x: x + 1)])
    network.save(tmp_path / "model.keras")
    folder = tmp_path / "folder"
    folder.mkdir()
    write_model_folder(folder, LoggedModel(tmp_path / "model.keras", (28, 28), ("a", "b"), 1))
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
        "python_env.yaml",
        "requirements.txt",
    }
