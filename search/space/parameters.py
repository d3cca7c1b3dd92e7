"""Parameters: the values that each may take, and when it applies."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from ...models.settings import Value

Point = Mapping[str, Value]
"""Values of all parameters that apply, by name."""


@dataclass(frozen=True)
class Choice:
    """One of several values, without an order."""

    values: tuple[Value, ...]

    @property
    def size(self) -> int:
        return len(self.values)

    def holds(self, value: Value) -> bool:
        return any(value == one and type(value) is type(one) for one in self.values)

    def __str__(self) -> str:
        return "one of " + ", ".join(map(str, self.values))


@dataclass(frozen=True)
class IntInterval:
    """Whole numbers from `low` to `high`, both included, `step` apart."""

    low: int
    high: int
    step: int = 1
    log: bool = False

    @property
    def values(self) -> Sequence[Value]:
        return range(self.low, self.high + 1, self.step)

    @property
    def size(self) -> int:
        return (self.high - self.low) // self.step + 1

    def holds(self, value: Value) -> bool:
        if not isinstance(value, int) or isinstance(value, bool):
            return False
        return self.low <= value <= self.high and (value - self.low) % self.step == 0

    def __str__(self) -> str:
        steps = f" in steps of {self.step}" if self.step > 1 else ""
        return f"a whole number from {self.low} to {self.high}{steps}"


@dataclass(frozen=True)
class FloatInterval:
    """Numbers from `low` to `high`, both included, sampled by their logarithm if `log`."""

    low: float
    high: float
    log: bool = False

    @property
    def values(self) -> Sequence[Value]:
        if self.low < self.high:
            raise ValueError(f"{self} cannot be listed")
        return (self.low,)

    @property
    def size(self) -> float:
        return math.inf if self.low < self.high else 1

    def holds(self, value: Value) -> bool:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            return False
        return self.low <= value <= self.high

    def __str__(self) -> str:
        return f"a number from {self.low:g} to {self.high:g}"


Domain = Choice | IntInterval | FloatInterval


@dataclass(frozen=True)
class Parameter:
    """A searched parameter.

    Attributes:
        domain: Its values.
        when: The condition: each of these other parameters has one of these values.
    """

    domain: Domain
    when: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "when", MappingProxyType(dict(self.when)))

    def applies(self, values: Point) -> bool:
        """Whether its condition holds, given the values of the parameters before it."""
        return all(name in values and values[name] in wanted for name, wanted in self.when.items())
