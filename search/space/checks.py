"""Checks that concern several parts of a space."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ...models.settings import TRAINING, Value
from .faults import Faults
from .parameter_reader import as_value
from .parameters import Choice, Domain, Parameter, Point

MOST_CASES = 10_000


def check_schedule(fixed: Point, parameters: Mapping[str, Parameter], faults: Faults) -> None:
    """Check that a schedule's length is given, and that its warm-up is shorter."""
    given = {name: Parameter(Choice((value,))) for name, value in fixed.items()} | dict(parameters)
    schedule = given.get("schedule")
    if schedule and schedule.domain.holds("cosine") and "epochs" not in given:
        faults.add("schedule", "cosine runs over `epochs`; say how many, in fixed or parameters")
    if "warmup_epochs" in given:
        warmup = _ends(given["warmup_epochs"].domain)[1]
        epochs = float(TRAINING["epochs"].default or 0)
        if "epochs" in given:
            least = _ends(given["epochs"].domain)[0]
            epochs = min(least, epochs) if given["epochs"].when else least
        if not warmup < epochs:
            faults.add(
                "warmup_epochs", f"{warmup:g} must be less than epochs, which may be {epochs:g}"
            )


def check_conditions(parameters: Mapping[str, Parameter], faults: Faults) -> None:
    """Check that conditions distinguish few cases: to count the points, all cases are visited."""
    named: dict[str, list[Value]] = {}
    for parameter in parameters.values():
        for name, wanted in parameter.when.items():
            values = named.setdefault(name, [])
            values += [value for value in wanted if value not in values]
    cases = math.prod(len(values) + 1 for values in named.values())
    if cases > MOST_CASES:
        faults.add(
            "parameters",
            f"the conditions of `when` tell {cases:,} cases apart, more than {MOST_CASES:,}; "
            "let them name fewer parameters",
        )


def read_points(
    points: Any, parameters: Mapping[str, Parameter], faults: Faults
) -> tuple[Point, ...]:
    """Read the published points; each has exactly the parameters that apply."""
    if not isinstance(points, list) or not all(isinstance(point, dict) for point in points):
        faults.add("published", "is not a list of points, each like {depth: 3, …}")
        return ()
    read = []
    for place, point in enumerate(points, start=1):
        key = f"published, point {place}"
        values: dict[str, Value] = {}
        for name, parameter in parameters.items():
            applies = parameter.applies(values)
            value = as_value(parameter.domain, point.get(name))
            if name not in point:
                if applies:
                    faults.add(key, f"{name} is missing")
            elif not applies:
                faults.add(key, f"{name} does not apply beside the other values")
            elif not _holds(parameter.domain, value):
                faults.add(key, f"{name}: {point[name]!r} is not {parameter.domain}")
            else:
                values[name] = value
        for name in point:
            if name not in parameters:
                faults.add(key, f"{name} is no parameter of this space")
        read.append(values)
    return tuple(read)


def _holds(domain: Domain, value: Any) -> bool:
    return isinstance(value, (bool, int, float, str)) and domain.holds(value)


def _ends(domain: Domain) -> tuple[float, float]:
    if not isinstance(domain, Choice):
        return domain.low, domain.high
    numbers = [value for value in domain.values if isinstance(value, (int, float))]
    return min(numbers, default=0), max(numbers, default=0)
