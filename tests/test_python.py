"""The package in Python: cheap to load, the same code as the commands, a guest in the process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import keras_tuner
import pytest

import fmsearch
from fmsearch.loaded_study import as_guest
from fmsearch.models.environment_variables import FIXED
from fmsearch.search.storage.storage import open_storage

from .conftest import SMALL_GRID
from .storage.new_study import make

SCRIPT = """\
import json, os, sys, threading
import fmsearch

images, said = sys.argv[1], {{}}
os.environ["MLFLOW_RUN_ID"], os.environ["CUDA_VISIBLE_DEVICES"] = "mine", "7"
space = {{"name": "tiny", "model": "mlp", "engine": "keras_tuner",
         "score": {{"by": "cross_validation", "folds": 2}},
         "fixed": {{"hidden_units": 8, "layers": 1, "epochs": 1}},
         "parameters": {{"dropout_rate": [0.1, 0.2]}}}}
options = {{"jobs": 1, "train_images": 200, "progress": False}}

def heard(trial):
    said.setdefault("heard", []).append(trial.number)
    if len(said["heard"]) == 1:
        raise RuntimeError("enough")

def search():  # a thread hears no signals; a program without `if __name__ == "__main__"`
    try:
        fmsearch.study(space, images, callback=heard, **options)
    except RuntimeError as error:
        said["raised"] = str(error)
    study = fmsearch.study(space, images, callback=heard, **options)
    said["states"] = [trial.state.value for trial in study.trials]
    said["columns"] = list(study.dataframe())[:2]
    said["best"] = study.best.number == study.optuna.best_trial.number
    said["names"] = study.optuna.metric_names
    said["figures"] = "history" in study.figures

thread = threading.Thread(target=search)
thread.start()
thread.join()
said["environment"] = [os.environ.get(name) for name in (
    "MLFLOW_RUN_ID", "CUDA_VISIBLE_DEVICES", "MLFLOW_TRACKING_URI", "KERAS_BACKEND")]
print(json.dumps(said))
"""


def test_a_script_searches_in_a_thread_and_finds_its_process_as_it_was(
    tmp_path: Path, images: Path
) -> None:
    (tmp_path / "script.py").write_text(SCRIPT.format())
    command = [sys.executable, "script.py", str(images)]
    clean = {name: value for name, value in os.environ.items() if name not in FIXED}
    done = subprocess.run(
        command, cwd=tmp_path, env=clean, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads(done.stdout) == {
        "heard": [0, 1],
        "raised": "enough",
        "states": ["complete", "complete"],
        "columns": ["state", "dropout_rate"],
        "best": True,
        "names": ["score"],
        "figures": True,
        "environment": ["mine", "7", None, None],
    }


def test_loading_the_package_loads_next_to_nothing() -> None:
    heavy = ("tensorflow", "keras", "optuna", "mlflow", "numpy", "click", "pandas")
    code = (
        "import sys; before = set(sys.modules); import fmsearch; dir(fmsearch)\n"
        f"print([one for one in {heavy} if one in sys.modules])\n"
        "fmsearch.study, fmsearch.load_study, fmsearch.Study, fmsearch.Trial\n"
        f"print([one for one in {heavy[:4]} if one in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n[]\n"


def test_what_is_not_there_is_named() -> None:
    assert {"study", "load_study", "Study", "Trial", "FmsearchError"} <= {*dir(fmsearch)}
    with pytest.raises(AttributeError, match="module 'fmsearch' has no attribute 'stduy'"):
        fmsearch.stduy  # noqa: B018  # type: ignore[attr-defined]


def test_a_guest_leaves_mlflows_address_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow

    for before in ("sqlite:///mine.db", None):
        mlflow.set_tracking_uri(before)
        with as_guest():
            mlflow.set_tracking_uri("sqlite:///other.db")
        assert mlflow.tracking.is_tracking_uri_set() == (before is not None)
        assert before is None or mlflow.get_tracking_uri() == before


def test_a_study_is_looked_at_without_a_trial(tmp_path: Path, images: Path) -> None:
    make(f"sqlite:///{tmp_path / 'mlruns' / 'studies.db'}", images)
    study = fmsearch.load_study("search", home=tmp_path / "mlruns")
    assert repr(study) == "<study search: no trials>"
    assert (study.best, study.trials, study.figures) == (None, [], {})
    assert study.dataframe().empty
    assert study.optuna.metric_names == ["score"]
    assert open_storage(f"sqlite:///{tmp_path}/mlruns/studies.db").names() == ["search"]


def test_keras_tuner_sees_a_grid(tmp_path: Path, images: Path) -> None:
    made = make(f"sqlite:///{tmp_path / 'mlruns' / 'studies.db'}", images, SMALL_GRID, sampler="")
    made.enqueue([{"epochs": 1}, {"epochs": 2}], {"epochs": [1, 2]})
    oracle = fmsearch.load_study("small", home=tmp_path / "mlruns").keras_tuner_oracle()
    assert isinstance(oracle, keras_tuner.Oracle)
    assert oracle.remaining_trials() == 8


BAD = {
    "no such study": (lambda: fmsearch.load_study("other"), "no study 'other'; there are: search"),
    "no store": (lambda: fmsearch.load_study("a", home="b"), "no study 'a': there is no store in"),
    "no such space": (
        lambda: fmsearch.study("mpl"),
        "no space 'mpl' and no file of that name; did",
    ),
    "a bad space": (lambda: fmsearch.study({"name": "a"}), "the space: "),
    "objects in a space": (lambda: fmsearch.study({"name": object()}), "not made of plain values"),
    "no such data": (lambda: fmsearch.study("mlp", "none.npz"), "no data set 'none.npz'"),
    "no data": (lambda: fmsearch.study("mlp", 3), "data is a int; give a name, a file"),  # type: ignore[arg-type]
    "a bad name": (lambda: fmsearch.study("mlp", name="für"), "the name 'für' must be 1 to 64"),
    "a grid with trials": (lambda: fmsearch.study("mlp_grid", trials=3), "it has no --trials"),
    "no trial yet": (lambda: fmsearch.load_study("search").model(), "has no complete trial yet"),
    "no such trial": (lambda: fmsearch.load_study("search").model(7), "has no trial 7; it has 0"),
    "no grid": (lambda: fmsearch.load_study("search").keras_tuner_oracle(), "is no grid, and"),
}


@pytest.mark.parametrize(("call", "refusal"), BAD.values(), ids=BAD)
def test_bad_input_is_one_line(
    tmp_path: Path, images: Path, monkeypatch: pytest.MonkeyPatch, call: object, refusal: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FMSEARCH_DATA", str(images))
    make(f"sqlite:///{tmp_path / 'mlruns' / 'studies.db'}", images)
    with pytest.raises(fmsearch.FmsearchError) as raised:
        call()  # type: ignore[operator]
    assert refusal in str(raised.value)
    assert "\n" not in str(raised.value)


def test_jobs_of_the_environment_are_a_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FMSEARCH_JOBS", "many")
    with pytest.raises(fmsearch.FmsearchError, match="FMSEARCH_JOBS='many' is no number of"):
        fmsearch.study("mlp")
