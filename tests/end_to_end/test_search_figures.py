"""Figures and importances of a search, while it runs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from fmsearch.models.data import describe
from fmsearch.places import Places
from fmsearch.search.engines.strategy import choose_strategy
from fmsearch.search.runs import shipping
from fmsearch.search.runs.importances import importances
from fmsearch.search.space.load import read_space
from fmsearch.search.storage.storage import open_storage
from fmsearch.search.study.plan import Limits, Plan
from fmsearch.search.study.run import run_study
from fmsearch.search.trainers.messages import EpochDone
from fmsearch.search.trial import Trial

SPACE = """\
name: small
model: mlp
engine: optuna
score: {by: validation}
fixed: {epochs: 1, layers: 1}
parameters: {hidden_units: {int: [4, 32]}, optimizer: [adam, sgd]}
"""


class Waiting:
    """After three trials lets the study wait for a figure and for importances."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.found: list[Path] = []
        self.matters: Mapping[str, float] = {}

    def on_start(self, trials: list[Trial], total: int | None, jobs: int) -> None:
        """Nothing to do."""

    def on_epoch(self, trainer: int, trials: tuple[Trial, ...], done: EpochDone) -> None:
        """Nothing to do."""

    def on_trial_end(self, trial: Trial, trials: list[Trial]) -> None:
        deadline = time.monotonic() + 120
        while trial.number == 2 and not self.matters and time.monotonic() < deadline:
            time.sleep(0.1)
            self.found = list(self.places.artifacts.rglob("figures/search/history.png"))
            self.matters = noted(self.places) if self.found else {}


def noted(places: Places) -> Mapping[str, float]:
    """What the storage says of the importances."""
    return open_storage(places.storage).study("small").attributes.importances()


def test_figures_and_importances_are_there_while_the_study_runs(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipping, "FIGURES_SECONDS", 0.0)
    space = read_space(SPACE, "small")
    plan = Plan(
        space=space,
        name=space.name,
        data=describe(str(images)),
        seed=0,
        jobs=1,
        train_images=400,
        places=Places.of(tmp_path),
        offline=False,
        strategy=choose_strategy(space, None, None, reproducible=False, jobs=1),
        limits=Limits(4),
    )
    callback = Waiting(plan.places)
    run_study(plan, callback)
    assert callback.found
    assert set(callback.matters) == {"hidden_units", "optimizer"}
    finished = open_storage(plan.places.storage).study("small")
    assert noted(plan.places) == importances(finished.study()) != {}
