"""Plans: options that do not go together are refused, whoever makes the plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fmsearch.errors import FmsearchError
from fmsearch.models.data import describe
from fmsearch.places import Places
from fmsearch.search.engines.strategy import Strategy
from fmsearch.search.space.load import load_space
from fmsearch.search.study.plan import Limits, Plan, check_plan

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("mlp_grid", {"limits": Limits(trials=3)}, "tries every point: it has no --trials"),
    ("mlp_grid", {"enqueue": False}, "tries every point: it has no --enqueue"),
    ("cnn", {"strategy": Strategy("tpe", "none", 2), "limits": Limits(seconds=9)}, "use --trials"),
    ("cnn", {"strategy": Strategy("tpe", "none", 2), "limits": Limits(score=0.9)}, "use --trials"),
    ("cnn", {"strategy": Strategy("tpe", "none", 2), "limits": Limits(patience=9)}, "use --trials"),
    ("mlp_grid", {"limits": Limits(patience=3)}, "tries every point: it has no --patience"),
    ("cnn_pareto", {"keep_models": 3}, "use all or none"),
    ("mlp_grid", {"fresh": True, "offline": True}, "--fresh deletes runs in MLflow"),
]


def plan_of(name: str, images: Path, **more: Any) -> Plan:
    space = load_space(name)
    given = {"jobs": 1, "seed": 0, "train_images": None, "offline": False, **more}
    places = Places.of(images.parent / "none")
    return Plan(space=space, name=name, data=describe(str(images)), places=places, **given)


@pytest.mark.parametrize(("name", "more", "reason"), REFUSED)
def test_options_that_do_not_go_together_are_refused(
    images: Path, name: str, more: dict[str, Any], reason: str
) -> None:
    with pytest.raises(FmsearchError, match=reason):
        check_plan(plan_of(name, images, **more))


@pytest.mark.parametrize("name", ["mlp_grid", "cnn", "cnn_pareto"])
def test_a_plan_of_defaults_is_accepted(images: Path, name: str) -> None:
    check_plan(plan_of(name, images, limits=Limits(load_space(name).trials)))
