"""Failed trials are tried again: under their numbers, while MLflow keeps how they failed."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient

from fmsearch.errors import FmsearchError
from fmsearch.models.data import describe
from fmsearch.places import Places
from fmsearch.search.doctor.doctor import examine
from fmsearch.search.engines.strategy import choose_strategy
from fmsearch.search.runs.tables import cv_results
from fmsearch.search.space.load import read_space
from fmsearch.search.storage.storage import open_storage
from fmsearch.search.study.plan import Limits, Plan, check_plan
from fmsearch.search.study.run import run_study
from fmsearch.search.trial import Trial

from ..doctor.patient import Quiet

MODEL = """\
import keras, pathlib

def build(input_shape, classes, *, width):
    if width == 8 and not pathlib.Path("{mended}").exists():
        raise ValueError("eight is too wide")
    images = keras.Input(input_shape)
    pixels = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(images))
    wide = keras.layers.Dense(width, "relu")(pixels)
    return keras.Model(images, keras.layers.Dense(classes, "softmax")(wide))
"""
GRID = """\
name: own
model: {module}:build
engine: keras_tuner
score: {{by: cross_validation, folds: 2}}
fixed: {{epochs: 1}}
parameters: {{width: [4, 8, 16]}}
"""
SEARCH = """\
name: own
model: {module}:build
engine: optuna
sampler: random
pruner: none
score: {{by: validation}}
fixed: {{epochs: 1}}
parameters: {{width: [4, 8, 16]}}
published: [{{width: 8}}, {{width: 4}}, {{width: 8}}]
"""


@pytest.fixture
def plan(
    request: pytest.FixtureRequest, tmp_path: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> Plan:
    """A study in which a model of 8 units fails until the file `mended` is there."""
    module = f"mine_{tmp_path.name}"
    (tmp_path / f"{module}.py").write_text(MODEL.format(mended=tmp_path / "mended"))
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    space = read_space(request.param.format(module=module), "the test's space")
    return Plan(
        space=space,
        name="own",
        data=describe(str(images)),
        seed=0,
        jobs=1,
        train_images=400,
        places=Places.of(tmp_path / "mlruns"),
        offline=False,
        strategy=choose_strategy(space, None, None, reproducible=False, jobs=1),
        limits=Limits(len(space.published) or None),
    )


def trials(plan: Plan) -> list[Trial]:
    return open_storage(plan.places.storage).study("own").trials()


def states(plan: Plan) -> list[str]:
    return [trial.state.value for trial in trials(plan)]


def runs(plan: Plan, role: str) -> dict[str, str]:
    client = MlflowClient(plan.places.tracking_uri)
    found = client.search_runs(["1"], f"tags.`fmsearch.role` = '{role}'")
    return {run.info.run_name: run.info.status for run in found}


def differences(plan: Plan) -> list[str]:
    (found,) = examine(plan.places, ["own"], fix=False)
    return [one.what for one in found.left]


@pytest.mark.parametrize("plan", [GRID], indirect=True)
def test_a_failed_point_of_a_grid_is_tried_again_in_its_place(plan: Plan, tmp_path: Path) -> None:
    run_study(plan, Quiet())
    assert states(plan) == ["complete", "failed", "complete"]
    assert differences(plan) == []
    again = replace(plan, retry_failed=True)
    run_study(again, Quiet())  # nothing is mended: it fails once more
    assert states(plan) == ["complete", "failed", "complete"]
    (tmp_path / "mended").touch()
    run_study(again, Quiet())
    assert states(plan) == ["complete"] * 3
    assert cv_results(trials(plan))["param_width"] == [4, 8, 16]
    assert differences(plan) == []
    assert runs(plan, "trial") == {f"own-000{number}": "FINISHED" for number in range(3)}
    assert runs(plan, "attempt") == {"own-0001 (failed, tried again)": "FAILED"}
    client = MlflowClient(plan.places.tracking_uri)
    (study,) = client.search_runs(["1"], "tags.`fmsearch.role` = 'study'")
    best = max(trials(plan), key=lambda trial: trial.score or 0)
    assert study.data.params["width"] == str(best.parameters["width"])
    assert "fmsearch.best_parameters" not in study.data.tags


@pytest.mark.parametrize("plan", [SEARCH], indirect=True)
def test_a_failed_trial_of_a_search_and_its_like_count_once(plan: Plan, tmp_path: Path) -> None:
    run_study(plan, Quiet())
    assert states(plan) == ["failed", "complete", "failed"]
    (tmp_path / "mended").touch()
    run_study(replace(plan, retry_failed=True), Quiet())
    assert states(plan) == ["complete"] * 3
    assert [trial.duplicate_of for trial in trials(plan)] == [None, None, 0]
    assert [trial.reason for trial in trials(plan)] == ["", "", ""]
    assert differences(plan) == []
    assert len(runs(plan, "attempt")) == 2


@pytest.mark.parametrize("plan", [SEARCH], indirect=True)
def test_a_failure_that_mlflow_does_not_have_yet_is_kept_apart(plan: Plan, tmp_path: Path) -> None:
    run_study(replace(plan, offline=True), Quiet())
    (tmp_path / "mended").touch()
    run_study(replace(plan, retry_failed=True), Quiet())
    assert states(plan) == ["complete"] * 3
    assert differences(plan) == []
    apart = sorted(plan.places.outbox("").glob("*/apart-trial-*/why.txt"))
    assert ["it failed: ValueError: eight" in one.read_text() for one in apart] == [True] * 2


@pytest.mark.parametrize("plan", [SEARCH], indirect=True)
@pytest.mark.parametrize(
    ("other", "refusal"),
    [
        ({"fresh": True}, "--fresh leaves no trial"),
        ({"offline": True}, "--retry-failed marks runs in MLflow"),
    ],
)
def test_what_it_does_not_go_with_is_refused(
    plan: Plan, other: dict[str, bool], refusal: str
) -> None:
    with pytest.raises(FmsearchError, match=refusal):
        check_plan(replace(plan, retry_failed=True, **other))
    lagging = replace(plan.strategy, lag=1)
    with pytest.raises(FmsearchError, match="what a --reproducible study proposed after"):
        check_plan(replace(plan, retry_failed=True, strategy=lagging))
