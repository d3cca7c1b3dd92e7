"""Search spaces: named parameters, the values they may take, and how a candidate is scored."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from ...models.families import Family, find_family
from ...models.settings import Scoring, Value, knows_its_length
from .engine_traits import ENGINES, EngineTraits
from .parameters import Choice, Parameter, Point

MAXIMIZE, MINIMIZE = "maximize", "minimize"
MOST_COMPARED = 10_000
"""Points; to look at them takes a second."""
OBJECTIVES = ("score", "parameters")
"""What a study may maximize or minimize: the score, or the number of the network's parameters."""


@dataclass(frozen=True)
class Space:
    """A search space; `read_space` makes it from YAML and has checked every part.

    Attributes:
        name: Also the default name of its studies.
        about: One paragraph for readers, may be empty.
        model: A model family, key of `FAMILIES`, or a user's own as `package.module:function`.
        engine: Who proposes candidates, key of `ENGINES`.
        scoring: How a candidate is scored.
        folds: The number of folds of cross-validation; else 1.
        parameters: The searched parameters, in the order of the file.
        fixed: Settings that all candidates share.
        objectives: What the study maximizes or minimizes; `score` is among them.
        most_parameters: A larger network is not trained; None for any size.
        sampler, pruner: Of an Optuna study that does not say otherwise.
        trials: How many trials such a study has; None for every point of a grid.
        published: Points to begin with.
        text: The YAML that the space was read from.
    """

    name: str
    about: str
    model: str
    engine: str
    scoring: Scoring
    folds: int
    parameters: Mapping[str, Parameter]
    fixed: Point
    objectives: Mapping[str, str]
    most_parameters: int | None
    sampler: str
    pruner: str
    trials: int | None
    published: tuple[Point, ...]
    text: str

    def __post_init__(self) -> None:
        for name in ("parameters", "fixed", "objectives"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    @property
    def traits(self) -> EngineTraits:
        """What follows from the engine."""
        return ENGINES[self.engine]

    @property
    def choices(self) -> dict[str, tuple[Value, ...]]:
        """The values of each parameter that is a choice; in a grid all are."""
        domains = {name: parameter.domain for name, parameter in self.parameters.items()}
        return {name: one.values for name, one in domains.items() if isinstance(one, Choice)}

    @cached_property
    def family(self) -> Family:
        """The model family."""
        return find_family(self.model, {**self.parameters, **self.fixed})

    @property
    def steps(self) -> int:
        """How often a trial says its score at most: folds, or epochs."""
        if self.scoring is Scoring.CROSS_VALIDATION:
            return self.folds
        given = int(self.family.complete(self.fixed)["epochs"])
        if (searched := self.parameters.get("epochs")) is None:
            return given
        most = max(int(value) for value in searched.domain.values)
        return max(most, given) if searched.when else most

    @cached_property
    def size(self) -> float:
        """Number of different points; infinite where a parameter is continuous."""
        return _count(list(self.parameters.items()), dict(self.fixed))

    @cached_property
    def trainings(self) -> float:
        """Number of points that differ in what they train, where they are few enough to compare.

        Two points may be one training: settings may be idle beside others. Of more than
        `MOST_COMPARED` points it is their number.
        """
        if self.size > MOST_COMPARED:
            return self.size
        points = _points(list(self.parameters.items()), dict(self.fixed))
        return len({self.key(point) for point in points})

    def key(self, point: Point) -> str:
        """The same for points that are the same training."""
        return json.dumps(self.settings(point), sort_keys=True)

    def settings(self, point: Point) -> dict[str, Value]:
        """Every setting of a training at `point`: its values, the fixed ones, the defaults."""
        return self.family.complete({**self.fixed, **point})

    def point(self, choose: Callable[[str, Parameter], Value]) -> dict[str, Value]:
        """The point that has the chosen value of every parameter that applies."""
        values: dict[str, Value] = {}
        for name, parameter in self.parameters.items():
            if parameter.applies({**self.fixed, **values}):
                values[name] = choose(name, parameter)
        return values

    def training(self, point: Point) -> dict[str, Value]:
        """What trainings must share to be one training with several horizons."""
        settings = self.settings(point)
        if not knows_its_length(settings):
            del settings["epochs"]
        return settings


def _points(
    parameters: list[tuple[str, Parameter]], values: dict[str, Value]
) -> Iterator[dict[str, Value]]:
    """All points that begin with `values`."""
    if not parameters:
        yield values
        return
    (name, parameter), *rest = parameters
    if not parameter.applies(values):
        yield from _points(rest, values)
        return
    for value in parameter.domain.values:
        yield from _points(rest, {**values, name: value})


def _count(parameters: list[tuple[str, Parameter]], values: dict[str, Value]) -> float:
    """How many points there are below one that begins with `values`."""
    if not parameters:
        return 1
    (name, parameter), *rest = parameters
    if not parameter.applies(values):
        return _count(rest, values)
    asked = {value for _, later in rest for value in later.when.get(name, ())}
    named = [value for value in asked if parameter.domain.holds(value)]
    others = parameter.domain.size - len(named)  # alike: no condition names them
    points = sum(_count(rest, {**values, name: value}) for value in named)
    return points + (others * _count(rest, values) if others else 0)
