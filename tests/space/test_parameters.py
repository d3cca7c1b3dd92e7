"""Parameters: which values they may take, and where they apply."""

import math

import pytest

from fmsearch.models.settings import Value
from fmsearch.search.space.parameters import Choice, Domain, FloatInterval, IntInterval, Parameter

HOLDS = [
    (Choice((32, 64)), (32, 64), (48, 32.0, "32")),
    (Choice((0, 1)), (0, 1), (False, True, 0.0)),
    (Choice((False, True)), (False, True), (0, 1)),
    (Choice(("adam", "sgd")), ("adam",), ("Adam", 0)),
    (IntInterval(2, 8, step=3), (2, 5, 8), (1, 3, 9, 11, 5.0, "5", True)),
    (IntInterval(0, 1), (0, 1), (False, True)),
    (FloatInterval(0.0, 0.5), (0, 0.0, 0.25, 0.5), (-0.1, 0.51, math.nan, "0.1", False)),
]


@pytest.mark.parametrize(("domain", "inside", "outside"), HOLDS)
def test_a_domain_holds_its_values_and_no_others(
    domain: Domain, inside: tuple[Value, ...], outside: tuple[Value, ...]
) -> None:
    assert [value for value in inside if not domain.holds(value)] == []
    assert [value for value in outside if domain.holds(value)] == []


SIZES = [
    (Choice((32, 64, 128)), 3, "one of 32, 64, 128"),
    (IntInterval(1, 4), 4, "a whole number from 1 to 4"),
    (IntInterval(3, 3), 1, "a whole number from 3 to 3"),
    (IntInterval(16, 48, step=16), 3, "a whole number from 16 to 48 in steps of 16"),
    (FloatInterval(0.0, 0.5), math.inf, "a number from 0 to 0.5"),
    (FloatInterval(0.1, 0.1), 1, "a number from 0.1 to 0.1"),
    (FloatInterval(1e-4, 1e-2, log=True), math.inf, "a number from 0.0001 to 0.01"),
]


@pytest.mark.parametrize(("domain", "size", "words"), SIZES)
def test_a_domain_has_a_size_and_says_what_it_holds(
    domain: Domain, size: float, words: str
) -> None:
    assert (domain.size, str(domain)) == (size, words)


WHEN = {"depth": (3, 4), "flip": (True,)}
APPLIES = [
    ({}, {}, True),
    ({}, {"depth": 3}, True),
    (WHEN, {"depth": 3, "flip": True}, True),
    (WHEN, {"depth": 4, "flip": True, "head": "flatten"}, True),
    (WHEN, {"depth": 2, "flip": True}, False),
    (WHEN, {"depth": 3, "flip": False}, False),
    (WHEN, {"depth": 3}, False),
    (WHEN, {}, False),
]


@pytest.mark.parametrize(("when", "values", "expected"), APPLIES)
def test_a_parameter_applies_where_all_its_conditions_hold(
    when: dict[str, tuple[Value, ...]], values: dict[str, Value], expected: bool
) -> None:
    assert Parameter(Choice((1,)), when).applies(values) is expected


def test_a_parameters_conditions_cannot_be_changed_afterwards() -> None:
    when: dict[str, tuple[Value, ...]] = {"depth": (3,)}
    parameter = Parameter(Choice((1,)), when)
    when["depth"] = (4,)
    assert parameter.applies({"depth": 3})
    with pytest.raises(TypeError):
        parameter.when["depth"] = (4,)  # type: ignore[index]
