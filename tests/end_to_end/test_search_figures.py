"""Figures and importances of a search, while it runs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from fmsearch.models.data import describe
from fmsearch.search import delivery
from fmsearch.search.importances import importances
from fmsearch.search.job import EpochDone
from fmsearch.search.ledger import Ledger
from fmsearch.search.plan import Limits, Plan
from fmsearch.search.space_file import read_space
from fmsearch.search.strategy import choose_strategy
from fmsearch.search.study import run_study
from fmsearch.search.trial import Trial
from fmsearch.tracking.places import Places

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

    def begun(self, trials: list[Trial], total: int | None, jobs: int) -> None:
        """Nothing to do."""

    def epoch(self, trainer: int, trials: tuple[Trial, ...], done: EpochDone) -> None:
        """Nothing to do."""

    def told(self, trial: Trial, trials: list[Trial]) -> None:
        deadline = time.monotonic() + 120
        while trial.number == 2 and not self.matters and time.monotonic() < deadline:
            time.sleep(0.1)
            self.found = list(self.places.artifacts.rglob("figures/search/history.png"))
            self.matters = noted(self.places) if self.found else {}


def noted(places: Places) -> Mapping[str, float]:
    """What the ledger says of the importances."""
    return Ledger(places.storage).study("small").notes.importances()


def test_figures_and_importances_are_there_while_the_study_runs(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "FIGURES_SECONDS", 0.0)
    space = read_space(SPACE, "small")
    plan = Plan(
        space,
        space.name,
        describe(str(images)),
        seed=0,
        jobs=1,
        train_images=400,
        places=Places.of(tmp_path),
        offline=False,
        strategy=choose_strategy(space, None, None, reproducible=False, jobs=1),
        limits=Limits(4),
    )
    watcher = Waiting(plan.places)
    run_study(plan, watcher)
    assert watcher.found
    assert set(watcher.matters) == {"hidden_units", "optimizer"}
    finished = Ledger(plan.places.storage).study("small")
    assert noted(plan.places) == importances(finished.study()) != {}
