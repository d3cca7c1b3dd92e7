"""Studies on data with strange names, and trials whose evidence cannot be drawn: all is shipped."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from fmsearch.models.data import describe
from fmsearch.places import Places
from fmsearch.search.doctor.doctor import Finding, examine
from fmsearch.search.engines.strategy import choose_strategy
from fmsearch.search.runs.artifacts import TrainingDone
from fmsearch.search.runs.schema import CONFUSION_FIGURE, TRIAL
from fmsearch.search.runs.schema_types import Artifact, Case, Numbers
from fmsearch.search.space.load import read_space
from fmsearch.search.storage.storage import open_storage
from fmsearch.search.study.plan import Limits, Plan
from fmsearch.search.study.run import run_study
from fmsearch.search.study.sync import sync_all
from fmsearch.search.trainers.messages import EpochDone
from fmsearch.search.trial import Trial
from fmsearch.tracking.store import Store
from fmsearch.tracking.stored_runs import WholeRun, runs_of_study

SPACE = """\
name: strange
about: "<b>Strange</b> *names*"
model: mlp
engine: optuna
score: {by: validation}
trials: 3
fixed: {epochs: 1, layers: 1}
parameters: {hidden_units: [4, 8, 16]}
"""
NAMES = (
    *("$\\frac{$", "$x$", "=1+1", "<b>", "[/b]", "same", "same", "accuracy"),
    *("\N{CJK UNIFIED IDEOGRAPH-732B}" * 3, "name " * 50),
)
TAG = f"fmsearch.missing.{CONFUSION_FIGURE}"


class Unwatched:
    """Nothing is noted of a study."""

    def on_start(self, trials: list[Trial], total: int | None, jobs: int) -> None: ...

    def on_trial_end(self, trial: Trial, trials: list[Trial]) -> None: ...

    def on_epoch(self, trainer: int, trials: tuple[Trial, ...], done: EpochDone) -> None: ...


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory, images: Path) -> Path:
    """A home with a finished study on classes of strange names; its results wait in the outbox."""
    home = tmp_path_factory.mktemp("waiting") / "mlruns"
    with np.load(images) as parts:
        arrays = {name: parts[name] for name in parts.files if name != "class_names"}
    data = home.with_name("strange.npz")
    np.savez(data, class_names=np.array(NAMES), **arrays)
    space = read_space(SPACE, "the test's space")
    plan = Plan(
        space=space,
        name=space.name,
        data=describe(str(data)),
        seed=0,
        jobs=1,
        train_images=400,
        places=Places.of(home),
        offline=True,
        strategy=choose_strategy(space, None, None, reproducible=False, jobs=1),
        limits=Limits(3),
    )
    run_study(plan, Unwatched())
    return home


@pytest.fixture
def places(waiting: Path, tmp_path: Path) -> Places:
    return Places.of(shutil.copytree(waiting, tmp_path / "mlruns"))


def runs(places: Places) -> dict[str, WholeRun]:
    config = open_storage(places.storage).study("strange").config
    return {run.name: run for run in runs_of_study(Store(places), config.id)}


def examined(places: Places, *, fix: bool = False) -> Finding:
    (finding,) = examine(places, ["strange"], fix=fix)
    return finding


def test_classes_of_strange_names_are_shipped_whole(places: Places) -> None:
    assert [one.left for one in sync_all(places)] == [None]
    assert examined(places) == Finding(study="strange", waiting=None, left=[])
    found = runs(places)
    assert not [tag for run in found.values() for tag in run.tags if "missing" in tag]
    assert all(CONFUSION_FIGURE in found[f"strange-000{number}"].files for number in range(3))
    note = found["strange"].tags["mlflow.note.content"]
    assert note.splitlines()[0] == r"\<b\>Strange\</b\> \*names\*"


def test_a_trial_whose_figure_cannot_be_drawn_is_shipped_without_it(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = TRIAL.artifacts[CONFUSION_FIGURE]

    def fails_for_one(training: TrainingDone, file: Path) -> None:
        if "0001" in training.heading:
            raise ValueError("no such glyph")
        entry.make(training, file)

    broken = Artifact(fails_for_one, {Case.TRAINED}, Numbers.CONFUSION)
    monkeypatch.setitem(TRIAL.artifacts, CONFUSION_FIGURE, broken)
    assert [one.left for one in sync_all(places)] == [None]
    found = runs(places)
    assert [found[f"strange-000{number}"].tags.get(TAG) for number in range(3)] == [
        *(None, "ValueError: no such glyph", None)
    ]
    assert "figures/learning_curves.png" in found["strange-0001"].files
    assert examined(places).left == []  # the run says itself what it is without

    monkeypatch.setitem(TRIAL.artifacts, CONFUSION_FIGURE, entry)
    (file,) = places.artifacts.rglob(f"{found['strange-0001'].id}/**/learning_curves.png")
    file.unlink()  # the doctor has something to do, and draws the other figure, too
    examined(places, fix=True)
    mended = runs(places)["strange-0001"]
    assert CONFUSION_FIGURE in mended.files
    assert TAG not in mended.tags
