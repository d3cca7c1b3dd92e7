"""Search spaces: parameters, the values they may take, and how a candidate is scored."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from ...models.families import Family, find_family
from ...models.settings import Scoring, Value, knows_its_length
from ...models.split import Folding
from .engine_traits import ENGINES, EngineTraits
from .parameters import Choice, Parameter, Point

MAXIMIZE, MINIMIZE = "maximize", "minimize"
MOST_COMPARED = 10_000
"""The most points that are compared with each other, which takes a second."""
OBJECTIVES = ("score", "parameters")
"""What a study may maximize or minimize: the score, or the number of the network's parameters."""


@dataclass(frozen=True, kw_only=True)
class Space:
    """A search space; `read_space` makes it from YAML and checks every part.

    Attributes:
        name: Also the default name of its studies.
        about: One paragraph for readers, may be empty.
        model: A key of `FAMILIES`, or a user's own model as `package.module:function`.
        engine: A key of `ENGINES`.
        folding: How the images are cut for cross-validation; else one fold.
        metric: What the score measures, as `find_metric` takes it.
        parameters: The searched parameters, in the order of the file.
        fixed: Settings that all candidates share.
        objectives: What the study maximizes or minimizes; `score` is among them.
        most_parameters: The most parameters of a network that is trained; None for any number.
        sampler, pruner: Defaults for Optuna studies.
        trials: Default number of trials; None for a grid, which tries every point.
        patience: Default number of trials without a gain after which none is begun; None for any.
        published: Points with which a study begins.
        text: The YAML that the space was read from.
    """

    name: str
    about: str
    model: str
    engine: str
    scoring: Scoring
    folding: Folding
    metric: str
    parameters: Mapping[str, Parameter]
    fixed: Point
    objectives: Mapping[str, str]
    most_parameters: int | None
    sampler: str
    pruner: str
    trials: int | None
    patience: int | None
    published: tuple[Point, ...]
    text: str

    def __post_init__(self) -> None:
        for name in ("parameters", "fixed", "objectives"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    @property
    def folds(self) -> int:
        """How often a trial is fitted and scored: once for each fold of all repeats."""
        return self.folding.total

    @property
    def traits(self) -> EngineTraits:
        """The properties of its engine."""
        return ENGINES[self.engine]

    @property
    def choices(self) -> dict[str, tuple[Value, ...]]:
        """The values of each parameter with a list of choices, as all parameters of a grid are."""
        domains = {name: parameter.domain for name, parameter in self.parameters.items()}
        return {name: one.values for name, one in domains.items() if isinstance(one, Choice)}

    @cached_property
    def family(self) -> Family:
        """The model family."""
        return find_family(self.model, {**self.parameters, **self.fixed})

    @property
    def step(self) -> str:
        """What a step is at which a running trial is judged."""
        return "fold" if self.scoring is Scoring.CROSS_VALIDATION else "epoch"

    @property
    def steps(self) -> int:
        """The most scores that a trial reports: one for each fold or, without folds, epoch."""
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
        """Number of different trainings; of more than `MOST_COMPARED` points it is their number.

        Two points are the same training if they differ only in settings without effect.
        """
        if self.size > MOST_COMPARED:
            return self.size
        points = _points(list(self.parameters.items()), dict(self.fixed))
        return len({self.key(point) for point in points})

    def key(self, point: Point) -> str:
        """A text that is equal for points that are the same training."""
        return json.dumps(self.settings(point), sort_keys=True)

    def settings(self, point: Point) -> dict[str, Value]:
        """Every setting of a training at `point`: its values, the fixed ones, the defaults."""
        return self.family.complete({**self.fixed, **point})

    def point(self, choose: Callable[[str, Parameter], Value]) -> dict[str, Value]:
        """The point with the value that `choose` returns for each parameter that applies."""
        values: dict[str, Value] = {}
        for name, parameter in self.parameters.items():
            if parameter.applies({**self.fixed, **values}):
                values[name] = choose(name, parameter)
        return values

    def training(self, point: Point) -> dict[str, Value]:
        """The settings that are equal in trials of one training with several horizons."""
        settings = self.settings(point)
        if not knows_its_length(settings):
            del settings["epochs"]
        return settings


def _points(
    parameters: list[tuple[str, Parameter]], values: dict[str, Value]
) -> Iterator[dict[str, Value]]:
    """All points that have `values`; `parameters` are those without a value yet."""
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
    """Number of points that have `values`; `parameters` are those without a value yet."""
    if not parameters:
        return 1
    (name, parameter), *rest = parameters
    if not parameter.applies(values):
        return _count(rest, values)
    asked = {value for _, later in rest for value in later.when.get(name, ())}
    named = [value for value in asked if parameter.domain.holds(value)]
    others = parameter.domain.size - len(named)  # no condition names them, so they count alike
    points = sum(_count(rest, {**values, name: value}) for value in named)
    return points + (others * _count(rest, values) if others else 0)
