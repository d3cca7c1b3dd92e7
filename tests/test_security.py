"""What comes from outside stays where it belongs, and nothing of it is run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import optuna
import pytest

from fmsearch.errors import FmsearchError
from fmsearch.search.space.load import read_space
from fmsearch.search.storage.storage import CONFIG_KEY, open_storage
from fmsearch.search.storage.study_config import StudyConfig
from fmsearch.tracking.model_folder import write_model_folder
from fmsearch.tracking.run_record import LoggedModel

ROOT = Path(__file__).parents[1]
ROOMS = ("commands", "models", "search", "tracking")
SPACE = """\
name: mine
model: mlp
engine: optuna
score: {by: validation}
parameters: {layers: [1, 2]}
"""
MINE = StudyConfig(
    name="mine",
    space=read_space(SPACE, "mine"),
    data="data.npz",
    data_sha256="0",
    seed=0,
    train_images=None,
    id="0123456789ab",
)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "../../elsewhere"},
        {"name": "another"},
        {"id": "/../../elsewhere"},
        {"id": "..' OR 'a' = 'a"},
        {"id": 7},
    ],
)
def test_a_record_whose_name_would_lead_out_of_the_outbox_is_refused(
    change: dict[str, Any],
) -> None:
    assert StudyConfig.of("mine", MINE.to_store()) == MINE
    with pytest.raises(FmsearchError, match="the record of the study 'mine' is damaged"):
        StudyConfig.of("mine", {**MINE.to_store(), **change})


def test_a_storage_with_such_a_study_ends_in_one_line(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    name = "../../elsewhere"
    study = optuna.create_study(storage=url, study_name=name)
    study.set_user_attr(CONFIG_KEY, {**MINE.to_store(), "name": name})
    with pytest.raises(FmsearchError, match=re.escape(f"study {name!r} is damaged")):
        list(open_storage(url).studies())


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model's folder, as it is shipped, whose network carries code of its own."""
    import keras

    network = keras.Sequential([keras.Input((28, 28)), keras.layers.Lambda(lambda x: x + 1)])
    network.save(tmp_path / "model.keras")
    folder = tmp_path / "folder"
    folder.mkdir()
    write_model_folder(folder, LoggedModel(tmp_path / "model.keras", (28, 28), 10, 1))
    return folder


def test_a_model_that_carries_code_is_not_loaded(model: Path) -> None:
    import mlflow

    with pytest.raises(ValueError, match=r"safe_mode|unsafe|Lambda"):
        mlflow.pyfunc.load_model(str(model))


def test_a_models_folder_holds_no_pickle(model: Path) -> None:
    files = {str(file.relative_to(model)) for file in model.rglob("*") if file.is_file()}
    assert files == {
        "MLmodel",
        "data/keras_module.txt",
        "data/model.keras",
        "python_env.yaml",
        "requirements.txt",
    }


@pytest.mark.parametrize("files", ["*.py", *(f"{room}/**/*.py" for room in ROOMS)])
def test_no_module_reads_pickles_or_evaluates_text(files: str) -> None:
    risky = re.compile(
        r"\b(import|from) (pickle|cloudpickle|dill|marshal|shelve)\b|allow_pickle=True"
        r"|safe_mode=False|enable_unsafe_deserialization|yaml\.(unsafe_|full_)?load\("
        r"|(?<![.\w])(eval|exec)\(|shell=True|joblib\.load"
    )
    found = sorted(ROOT.glob(files))
    assert found
    assert [file for file in found if risky.search(file.read_text())] == []
