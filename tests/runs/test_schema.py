"""The schema: what runs hold is what it declares, and one entry more is one artifact more."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from fmsearch.models.data import describe
from fmsearch.places import Places
from fmsearch.search.doctor.doctor import Finding, examine
from fmsearch.search.engines.strategy import choose_strategy
from fmsearch.search.retrain.champion import register_best
from fmsearch.search.runs.artifacts import TrainingDone
from fmsearch.search.runs.schema import FINAL, STUDY, TRIAL
from fmsearch.search.runs.schema_page import renewed
from fmsearch.search.runs.schema_types import Artifact, Case, Kind, Numbers
from fmsearch.search.runs.values import cases_of_study, cases_of_trial
from fmsearch.search.space.load import read_space
from fmsearch.search.storage.storage import open_storage
from fmsearch.search.study.plan import Limits, Plan
from fmsearch.search.study.run import run_study
from fmsearch.search.study.sync import run_records_of, sync_all
from fmsearch.search.trainers.messages import EpochDone
from fmsearch.search.trial import Trial
from fmsearch.tracking.store import Store
from fmsearch.tracking.stored_runs import StoredModel, WholeRun, runs_of_study

GRID = """\
name: grid
about: Two points of a grid.
model: mlp
engine: keras_tuner
score: {by: cross_validation, folds: 2}
fixed: {hidden_units: 8, layers: 1}
parameters: {optimizer: [adam], epochs: [1, 2]}
"""
# Two complete, one whose weights overflow, one that repeats another, one that is too large.
SEARCH = """\
name: search
about: Trials of several ends.
model: mlp
engine: optuna
sampler: random
score: {by: validation}
constraints: {parameters: {at_most: 20000}}
fixed: {epochs: 2, layers: 1, optimizer: adamw, weight_decay: 0.99, batch_size: 4}
parameters:
  hidden_units: [8, 64]
  learning_rate: {float: [0.000001, 99.0], log: true}
published:
  - {hidden_units: 8, learning_rate: 0.01}
  - {hidden_units: 8, learning_rate: 0.009}
  - {hidden_units: 8, learning_rate: 99.0}
  - {hidden_units: 8, learning_rate: 0.01}
  - {hidden_units: 64, learning_rate: 0.01}
"""
STATES = ["complete", "complete", "failed", "complete", "pruned"]


class Unwatched:
    """Nothing is noted of a study."""

    def on_start(self, trials: list[Trial], total: int | None, jobs: int) -> None: ...

    def on_trial_end(self, trial: Trial, best: Trial | None) -> None: ...

    def on_epoch(self, trainer: int, trials: tuple[Trial, ...], done: EpochDone) -> None: ...


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory, images: Path) -> Path:
    """A home with two finished studies, whose results wait in the outbox."""
    home = tmp_path_factory.mktemp("waiting") / "mlruns"
    for text in (GRID, SEARCH):
        space = read_space(text, "the test's space")
        plan = Plan(
            space=space,
            name=space.name,
            data=describe(str(images)),
            seed=0,
            jobs=1,
            train_images=400,
            places=Places.of(home),
            offline=True,
            strategy=choose_strategy(space, None, None, reproducible=False, jobs=1),
            limits=Limits(len(space.published) or None),
        )
        run_study(plan, Unwatched())
    return home


@pytest.fixture(scope="module")
def shipped(waiting: Path, tmp_path_factory: pytest.TempPathFactory) -> Places:
    """The same, shipped; from the grid a model is registered."""
    places = Places.of(shutil.copytree(waiting, tmp_path_factory.mktemp("shipped") / "mlruns"))
    assert [synced.left for synced in sync_all(places)] == [None, None]
    study = open_storage(places.storage).study("grid")
    records = run_records_of(study.config)
    register_best(study, records, places, name="mine", alias="champion", epochs=1)
    return places


def runs(places: Places, study: str) -> Mapping[str, WholeRun]:
    """The runs of a study, by name."""
    config = open_storage(places.storage).study(study).config
    return {run.name: run for run in runs_of_study(Store(places), config.id)}


def held(run: WholeRun) -> dict[str, set[str] | bool]:
    """Names of what a run holds, its model's aside; those of the search's figures are open."""
    ours = ("fmsearch.", "mlflow.note", "mlflow.parentRunId")
    return {
        "tags": {name for name in run.tags if name.startswith(ours)},
        "metrics": {re.sub(r"fold_\d+_score", "fold_<k>_score", name) for name in run.metrics},
        "artifacts": {path for path in run.files if not re.match("figures/search/.*png", path)},
        "model": run.model is StoredModel.WHOLE,
    }


def declared(kind: Kind[TrainingDone], cases: frozenset[Case]) -> dict[str, set[str] | bool]:
    """Names of what a run in some cases must hold."""
    there = cases | kind.always
    written = {path for path, one in kind.written.items() if one.when <= there}
    return {
        "tags": {name for name, one in kind.tags.items() if one.when <= there},
        "metrics": {name for name, one in kind.metrics.items() if one.when <= there},
        "artifacts": {*kind.artifacts_of(cases), *written},
        "model": kind.has_model(cases),
    }


@pytest.mark.parametrize("name", ["grid", "search"])
def test_runs_of_a_study_and_its_trials_hold_what_is_declared_and_no_more(
    shipped: Places, name: str
) -> None:
    study = open_storage(shipped.storage).study(name)
    trials, found = study.trials(), runs(shipped, name)
    if name == "search":
        assert [trial.state.value for trial in trials] == STATES
    cases = cases_of_study(study.config, trials) | {Case.BEGUN, Case.ENDED, Case.FINISHED}
    assert held(found[name]) == declared(STUDY, cases)
    for trial in trials:
        run = found[f"{name}-{trial.number:04d}"]
        cases = cases_of_trial(study.config, trial)
        cases |= {Case.IS_RIGHT} if Case.HOLD_OUT in cases else set()
        assert held(run) == declared(TRIAL, cases), run.name


def test_the_run_of_a_final_model_holds_what_is_declared_and_no_more(shipped: Places) -> None:
    (final,) = [run for name, run in runs(shipped, "grid").items() if name.endswith("-final")]
    assert held(final) == declared(FINAL, frozenset())


def class_accuracy(training: TrainingDone, file: Path) -> None:
    """The share of each class that is recognised."""
    counts = np.asarray(training.confusion)
    shares = counts.diagonal() / counts.sum(axis=1)
    names = training.on.data.class_names
    lines = [f"{name}: {share:.3f}\n" for name, share in zip(names, shares, strict=True)]
    file.write_text("".join(lines))


def test_one_entry_and_one_function_are_an_artifact_that_the_doctor_knows(
    waiting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "class_accuracy.txt"
    entry = Artifact(class_accuracy, {Case.COMPLETE, Case.TRAINED}, Numbers.CONFUSION)
    monkeypatch.setitem(TRIAL.artifacts, path, entry)
    places = Places.of(shutil.copytree(waiting, tmp_path / "mlruns"))
    list(sync_all(places))
    found = runs(places, "search")
    assert [path in found[f"search-{number:04d}"].files for number in range(5)] == [
        True, True, False, False, False,
    ]  # fmt: skip
    assert examined(places) == Finding(study="search", waiting=None, left=[])

    (file,) = places.artifacts.rglob(f"{found['search-0001'].id}/artifacts/{path}")
    text = file.read_text()
    assert len(text.splitlines()) == 10
    file.unlink()
    missing = [f"search trial 1: artifact {path} is missing"]
    assert list(map(str, examined(places).left)) == missing
    assert list(map(str, examined(places, fix=True).mended)) == missing
    assert file.read_text() == text


def examined(places: Places, *, fix: bool = False) -> Finding:
    (finding,) = examine(places, ["search"], fix=fix)
    return finding


def test_the_tables_of_the_page_are_those_that_follow_from_the_schema() -> None:
    page = (Path(__file__).parents[2] / "docs" / "mlflow.md").read_text("utf-8")
    assert renewed(page) == page, "run python -m fmsearch.search.runs.schema_page docs/mlflow.md"
