"""Settings: the parameters of a training and the values that each may take."""

from collections.abc import Mapping
from dataclasses import dataclass

Value = bool | int | float | str


@dataclass(frozen=True)
class IntRange:
    """Whole numbers from `low` to `high`, both included."""

    low: int
    high: int

    def __str__(self) -> str:
        return f"a whole number from {self.low} to {self.high}"

    def allows(self, value: Value) -> bool:
        if not isinstance(value, int) or isinstance(value, bool):
            return False
        return self.low <= value <= self.high


@dataclass(frozen=True)
class FloatRange:
    """Numbers in the half-open interval [low, high)."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"a number in [{self.low:g}, {self.high:g})"

    def allows(self, value: Value) -> bool:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            return False
        return self.low <= value < self.high


@dataclass(frozen=True)
class OneOf:
    """One of some names."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return "one of " + ", ".join(self.names)

    def allows(self, value: Value) -> bool:
        return value in self.names


Allowed = IntRange | FloatRange | OneOf


@dataclass(frozen=True)
class Setting:
    """What one parameter may be, and what it is where a space does not say."""

    allowed: Allowed
    default: Value


OPTIMIZERS = ("adam", "rmsprop", "sgd")

TRAINING: Mapping[str, Setting] = {
    "batch_size": Setting(IntRange(1, 2**20), 128),
    "epochs": Setting(IntRange(1, 10**6), 20),
    "optimizer": Setting(OneOf(OPTIMIZERS), "adam"),
}
"""Settings of every training, whatever the model family."""
