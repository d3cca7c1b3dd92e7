"""A short campaign of kills; `benchmarks/chaos.py` makes long ones, of `register` too."""

from __future__ import annotations

import importlib
import random
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def chaos() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
        yield importlib.import_module("chaos")


def test_a_study_that_is_killed_in_every_phase_ends_as_one_that_is_not(
    chaos: ModuleType, tmp_path: Path
) -> None:
    # Trainers mostly, whose replacement is cheap; while tables are made, trainings end.
    victims = ("trainer", "trainer", "trainer", "all")
    plan = ["starting", "starting", "training", "evaluating", "saving", "saving"]
    plan += ["migrating", "shipping"]
    campaign = chaos.Campaign(plan, random.Random(0), victims, in_order=True)
    _, differences = chaos.run_campaign("grid", campaign, tmp_path, registering=False)
    assert differences == []
    assert sum(campaign.killed.values()) == 8
    assert set(campaign.killed) == set(chaos.OF_STUDY)


def test_each_phase_has_its_share_of_a_campaign(chaos: ModuleType) -> None:
    plan = chaos.schedule(100, tuple(chaos.LONGEST_DELAY), random.Random(0))
    assert len(plan) == 100
    assert all(plan.count(phase) >= 5 for phase in chaos.LONGEST_DELAY)
