"""Short campaigns of kills and faults; `benchmarks/chaos.py` makes long ones, of `register` too."""

from __future__ import annotations

import importlib
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def chaos() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
        yield importlib.import_module("chaos")


@pytest.fixture(scope="module")
def kinds(chaos: ModuleType) -> ModuleType:
    return importlib.import_module(chaos.make_plan.__module__)


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


FAULTS = ["login page", "cut connections", "lost answer", "scratch folder removed", "busy"]
"""Of those that end no command: a start of the program takes the most time here."""


def test_a_study_on_servers_that_fail_ends_as_an_undisturbed_one(
    chaos: ModuleType, kinds: ModuleType, tmp_path: Path
) -> None:
    with chaos.started(tmp_path) as servers:
        choose = random.Random(0)
        campaign = chaos.FaultCampaign(servers, choose, tmp_path, registering=False)
        one = kinds.Round("grid", ("server", "postgresql"), {"study": list(FAULTS)})
        assert campaign.run([one]) == []
    assert campaign.done == Counter(FAULTS)


def test_a_plan_of_faults_has_each_kind_by_its_share_where_it_can_come(kinds: ModuleType) -> None:
    plan = kinds.make_plan(200, ("grid", "optuna"), random.Random(0))
    drawn = Counter(name for one in plan for names in one.faults.values() for name in names)
    assert drawn == {name: kind.share for name, kind in kinds.KINDS.items()}
    assert all(
        one.bears(kinds.KINDS[name]) and command in kinds.KINDS[name].commands
        for one in plan
        for command, names in one.faults.items()
        for name in names
    )
    assert {(one.engine, one.has) for one in plan} == {
        (engine, has) for engine in ("grid", "optuna") for has in kinds.PLACES
    }
