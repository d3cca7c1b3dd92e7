"""Settings: the parameters of a training and the values that each may take."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

Value = bool | int | float | str


class Scoring(Enum):
    """How a candidate is scored."""

    CROSS_VALIDATION = "cross_validation"
    """By the mean over folds of the metric after the last epoch, as `GridSearchCV` does."""
    VALIDATION = "validation"
    """By the metric on validation images after the best epoch, whose weights are kept."""


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
    """One of the given names."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return "one of " + ", ".join(self.names)

    def allows(self, value: Value) -> bool:
        return isinstance(value, str) and value in self.names


@dataclass(frozen=True)
class Flag:
    """True or false."""

    def __str__(self) -> str:
        return "true or false"

    def allows(self, value: Value) -> bool:
        return isinstance(value, bool)


@dataclass(frozen=True)
class Anything:
    """Any finite value; a user's own model checks it."""

    def __str__(self) -> str:
        return "a number, a word, true or false"

    def allows(self, value: Value) -> bool:
        return not isinstance(value, float) or math.isfinite(value)


Allowed = IntRange | FloatRange | OneOf | Flag | Anything


class Compiled(Enum):
    """The part of a setting that is compiled into a training's graph."""

    VALUE = "value"
    PRESENCE = "whether it is zero; the value itself is a variable"
    NOTHING = "nothing: it is a variable, or not of the graph"


@dataclass(frozen=True)
class Setting:
    """The allowed values of one parameter, and the default for spaces without it.

    Attributes:
        default: None if it depends on the optimizer (`OPTIMIZERS`), or is a user's own model's.
        compiled: What must be equal in two trainings that share a graph.
    """

    allowed: Allowed
    default: Value | None
    compiled: Compiled = Compiled.VALUE

    def graph(self, value: Value) -> Value | None:
        """The part of `value` that is compiled into the graph."""
        if self.compiled is Compiled.VALUE:
            return value
        return bool(value) if self.compiled is Compiled.PRESENCE else None


OPTIMIZERS: Mapping[str, Mapping[str, float]] = {
    "adam": {"learning_rate": 0.001, "weight_decay": 0.0},
    "adamw": {"learning_rate": 0.001, "weight_decay": 0.004},
    "rmsprop": {"learning_rate": 0.001, "weight_decay": 0.0},
    "sgd": {"learning_rate": 0.01, "weight_decay": 0.0},
}
"""The optimizers, with Keras' defaults."""

SCHEDULES = ("constant", "cosine")
CLASS_WEIGHTS = ("none", "balanced")

TRAINING: Mapping[str, Setting] = {
    "batch_size": Setting(IntRange(1, 2**20), 128),
    "epochs": Setting(IntRange(1, 10**6), 20, Compiled.NOTHING),
    "optimizer": Setting(OneOf(tuple(OPTIMIZERS)), "adam"),
    "learning_rate": Setting(FloatRange(0.0, 100.0), None, Compiled.NOTHING),
    "momentum": Setting(FloatRange(0.0, 1.0), 0.0, Compiled.NOTHING),
    "weight_decay": Setting(FloatRange(0.0, 1.0), None, Compiled.PRESENCE),
    "schedule": Setting(OneOf(SCHEDULES), "constant"),
    "warmup_epochs": Setting(IntRange(0, 10**6), 0, Compiled.NOTHING),
    "label_smoothing": Setting(FloatRange(0.0, 1.0), 0.0, Compiled.PRESENCE),
    "class_weight": Setting(OneOf(CLASS_WEIGHTS), "none"),
    "flip": Setting(Flag(), False),
    "shift": Setting(IntRange(0, 64), 0, Compiled.PRESENCE),
    "erase": Setting(FloatRange(0.0, 1.0), 0.0, Compiled.PRESENCE),
}
"""Settings of every training, for all model families.

Only sgd uses `momentum`. `weight_decay` is decoupled from the gradient (Loshchilov & Hutter 2019)
and not applied to biases and normalization. With `cosine` the learning rate rises over
`warmup_epochs` and falls to zero at the end of `epochs`. With `balanced` the loss of each image
counts by its class' weight, scikit-learn's `balanced`: inverse to how many images of the class are
trained on, 1 in the mean over images; as in Keras' `fit`, `train_loss` is weighted. During
training, `flip` mirrors half of the images left to right, `shift` is the largest shift in pixels,
and `erase` is the share of images in which a rectangle is erased.
"""


def knows_its_length(settings: Mapping[str, Value]) -> bool:
    """Whether a training depends on its number of epochs from the first step on."""
    return settings["schedule"] != "constant"
