"""The reader of space files: from a YAML document to a Space, or all its faults at once."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from typing import Any

from ..errors import FmsearchError
from ..models.families import FAMILIES
from ..models.settings import (
    TRAINING,
    Anything,
    FloatRange,
    IntRange,
    Scoring,
    Setting,
    Value,
)
from .domain import Choice, Domain, FloatInterval, IntInterval, Parameter, Point
from .space import MAXIMIZE, MINIMIZE, OBJECTIVES, Space
from .strategy import PRUNERS, SAMPLERS

ENGINES = ("keras_tuner", "optuna")
KEYS = (
    *("name", "about", "model", "engine", "score", "sampler", "pruner", "trials"),
    *("objectives", "constraints", "fixed", "parameters", "published"),
)
OF_OPTUNA = ("sampler", "pruner", "trials", "objectives", "constraints", "published")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
OWN_MODEL = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
MOST_POINTS = 100_000
"""A grid with more points than this is a mistake, not a plan."""
DEFAULT_TRIALS = 50


class Reader:
    """Reads one document and collects its faults, each as `key: what is wrong`."""

    def __init__(self, document: Mapping[Any, Any], source: str) -> None:
        self._document = document
        self._source = source
        self._faults: list[str] = []
        self._settings: Mapping[str, Setting] = {}
        self._own_model = False

    def read(self, text: str) -> Space:
        """The space.

        Raises:
            FmsearchError: The document has faults; it names them all.
        """
        self._unknown_keys("", self._document, KEYS)
        name = self._text("name")
        if name and not NAME.fullmatch(name):
            self._fault(
                "name",
                f"{name!r} must be 1 to 64 letters, digits, '_', '.' or '-', "
                "beginning with a letter or digit",
            )
        about = self._text("about", default="")
        model = self._model()
        engine = self._one_of("engine", ENGINES)
        if engine == "keras_tuner":
            for key in OF_OPTUNA:
                if key in self._document:
                    self._fault(key, "a grid has none; it belongs to engine: optuna")
        scoring, folds = self._score()
        fixed = self._fixed()
        parameters = self._parameters(engine)
        for both in fixed.keys() & parameters.keys():
            self._fault(f"fixed.{both}", "is also in parameters; keep one of the two")
        self._check_schedule(fixed, parameters)
        space = Space(
            name=name,
            about=about,
            model=model,
            engine=engine,
            scoring=scoring,
            folds=folds,
            parameters=parameters,
            fixed=fixed,
            objectives=self._objectives(),
            most_parameters=self._constraints(),
            sampler=self._one_of("sampler", tuple(SAMPLERS), "tpe"),
            pruner=self._pruner(scoring),
            trials=self._trials() if engine == "optuna" else None,
            published=self._published(parameters),
            text=text,
        )
        if self._faults:
            raise FmsearchError(f"{self._source}: " + "; ".join(self._faults))
        if engine == "keras_tuner" and space.size > MOST_POINTS:
            raise FmsearchError(
                f"{self._source}: the grid has {space.size:,} points, more than {MOST_POINTS:,}; "
                "give fewer choices"
            )
        return space

    def _fault(self, key: str, what: str) -> None:
        self._faults.append(f"{key}: {what}")

    def _unknown_keys(self, where: str, mapping: Mapping[Any, Any], known: tuple[str, ...]) -> None:
        for key in mapping:
            if key not in known:
                near = difflib.get_close_matches(str(key), known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(known)}"
                self._fault(f"{where}{key}", f"unknown key; {hint}")

    def _text(self, key: str, default: str | None = None) -> str:
        value = self._document.get(key, default)
        if isinstance(value, str):
            return value
        self._fault(key, "is missing" if value is None else f"{value!r} is not text")
        return ""

    def _one_of(self, key: str, names: tuple[str, ...], default: str | None = None) -> str:
        value = self._document.get(key, default)
        if isinstance(value, str) and value in names:
            return value
        got = "is missing" if value is None else f"{value!r} is unknown"
        self._fault(key, f"{got}; it is one of {', '.join(names)}")
        return ""

    def _mapping(self, key: str) -> Mapping[Any, Any]:
        value = self._document.get(key, {})
        if isinstance(value, dict):
            return value
        self._fault(key, f"{value!r} is not a mapping")
        return {}

    def _model(self) -> str:
        model = self._document.get("model")
        if isinstance(model, str) and OWN_MODEL.fullmatch(model):
            self._own_model = True
            self._settings = TRAINING
            return model
        found = self._one_of("model", (*FAMILIES, "your.module:function"))
        if found in FAMILIES:
            self._settings = FAMILIES[found].settings
        return found

    def _setting(self, where: str, name: object) -> Setting | None:
        """What a parameter's values must be; None, and a fault, if the model has none such."""
        if self._own_model and isinstance(name, str) and name.isidentifier():
            return self._settings.get(name, Setting(Anything(), None))
        if isinstance(name, str) and name in self._settings:
            return self._settings[name]
        if self._settings:
            self._unknown_keys(where, {name: None}, tuple(self._settings))
        return None

    def _score(self) -> tuple[Scoring, int]:
        score = self._mapping("score")
        self._unknown_keys("score.", score, ("by", "folds"))
        ways = [one.value for one in Scoring]
        by = score.get("by")
        if by not in ways:
            self._fault("score.by", f"{by!r} is not one of {', '.join(ways)}")
            return Scoring.VALIDATION, 1
        folds = score.get("folds")
        if by == Scoring.VALIDATION.value:
            if folds is not None:
                self._fault("score.folds", "belongs to cross_validation")
            return Scoring.VALIDATION, 1
        if isinstance(folds, int) and not isinstance(folds, bool) and folds >= 2:
            return Scoring.CROSS_VALIDATION, folds
        self._fault("score.folds", f"{folds!r} is not a whole number of at least 2")
        return Scoring.CROSS_VALIDATION, 2

    def _fixed(self) -> dict[str, Value]:
        found = {}
        for name, value in self._mapping("fixed").items():
            setting = self._setting("fixed.", name)
            if setting is not None:
                found[name] = self._value(f"fixed.{name}", value, setting)
        return found

    def _parameters(self, engine: str) -> dict[str, Parameter]:
        mapping = self._mapping("parameters")
        if not mapping:
            self._fault("parameters", "none are given; a space searches at least one")
        found: dict[str, Parameter] = {}
        for name, written in mapping.items():
            setting = self._setting("parameters.", name)
            if setting is not None:
                key = f"parameters.{name}"
                if engine == "keras_tuner" and not isinstance(written, list):
                    self._fault(key, f"{written!r} is not a list of choices, like [64, 128]")
                else:
                    found[name] = self._parameter(key, written, setting, found)
        return found

    def _parameter(
        self, key: str, written: Any, setting: Setting, before: Mapping[str, Parameter]
    ) -> Parameter:
        if not isinstance(written, dict):
            return Parameter(self._choices(key, written, setting))
        self._unknown_keys(f"{key}.", written, ("choices", "int", "float", "step", "log", "when"))
        kinds = [kind for kind in ("choices", "int", "float") if kind in written]
        if len(kinds) != 1:
            self._fault(key, "needs one of choices: […], int: [low, high], float: [low, high]")
            return Parameter(Choice(()))
        domain: Domain
        if kinds == ["choices"]:
            domain = self._choices(key, written["choices"], setting)
        elif kinds == ["int"]:
            domain = self._int(key, written, setting)
        else:
            domain = self._float(key, written, setting)
        return Parameter(domain, self._when(key, written.get("when", {}), before))

    def _choices(self, key: str, choices: Any, setting: Setting) -> Choice:
        if not isinstance(choices, list) or not choices:
            self._fault(key, f"{choices!r} is not a list of choices, like [64, 128]")
            return Choice(())
        found = len(self._faults)
        values = tuple(self._value(key, choice, setting) for choice in choices)
        for index, value in enumerate(values):
            if len(self._faults) == found and Choice(values[:index]).holds(value):
                self._fault(key, f"{value!r} stands twice")
        return Choice(values)

    def _int(self, key: str, written: Mapping[str, Any], setting: Setting) -> IntInterval:
        low, high = self._ends(key, written["int"], setting)
        step, log = written.get("step", 1), self._flag(f"{key}.log", written)
        if not isinstance(setting.allowed, (IntRange, Anything)):
            self._fault(key, f"int: does not fit; it is {setting.allowed}")
        elif not _is_int(low) or not _is_int(high):
            self._fault(key, f"int: {written['int']!r} are not two whole numbers, like [1, 4]")
        elif not _is_int(step) or step < 1:
            self._fault(f"{key}.step", f"{step!r} is not a whole number of at least 1")
        elif log and (step != 1 or low < 1):
            self._fault(f"{key}.log", "wants steps of 1 and numbers from 1")
        else:
            return IntInterval(low, high - (high - low) % step, step, log)
        return IntInterval(0, 0)

    def _float(self, key: str, written: Mapping[str, Any], setting: Setting) -> FloatInterval:
        low, high = self._ends(key, written["float"], setting)
        log = self._flag(f"{key}.log", written)
        if "step" in written:
            self._fault(f"{key}.step", "belongs to int")
        if not isinstance(setting.allowed, (FloatRange, Anything)):
            self._fault(key, f"float: does not fit; it is {setting.allowed}")
        elif log and low <= 0:
            self._fault(f"{key}.log", f"wants numbers above 0, but begins at {low:g}")
        else:
            return FloatInterval(float(low), float(high), log)
        return FloatInterval(0.0, 0.0)

    def _ends(self, key: str, ends: Any, setting: Setting) -> tuple[Any, Any]:
        if not isinstance(ends, list) or len(ends) != 2:
            self._fault(key, f"{ends!r} are not two numbers, [low, high]")
            return 0, 0
        low, high = (_number(end) for end in ends)
        if low is None or high is None or not low <= high:
            self._fault(key, f"`low <= high` must hold, but got {ends[0]!r} and {ends[1]!r}")
            return 0, 0
        for end in (low, high):
            if not setting.allowed.allows(end):
                self._fault(key, f"{end!r} is not {setting.allowed}")
        return low, high

    def _flag(self, key: str, written: Mapping[str, Any]) -> bool:
        value = written.get(key.rpartition(".")[2], False)
        if not isinstance(value, bool):
            self._fault(key, f"{value!r} is not true or false")
        return value is True

    def _when(
        self, key: str, written: Any, before: Mapping[str, Parameter]
    ) -> dict[str, tuple[Value, ...]]:
        if not isinstance(written, dict):
            self._fault(f"{key}.when", f"{written!r} is not a mapping like {{depth: [3, 4]}}")
            return {}
        found: dict[str, tuple[Value, ...]] = {}
        for name, wanted in written.items():
            if name not in before:
                there = ", ".join(before) or "none"
                self._fault(
                    f"{key}.when.{name}", f"is no parameter that stands before it; there: {there}"
                )
                continue
            values = wanted if isinstance(wanted, list) and wanted else [wanted]
            domain = before[name].domain
            if isinstance(domain, FloatInterval):
                self._fault(f"{key}.when.{name}", "a number that varies freely is no condition")
            for value in values:
                if not isinstance(value, (bool, int, float, str)) or not domain.holds(value):
                    self._fault(f"{key}.when.{name}", f"{value!r} is not {domain}")
            found[name] = tuple(values)
        return found

    def _value(self, key: str, value: Any, setting: Setting) -> Value:
        if isinstance(setting.allowed, FloatRange):
            number = _number(value)
            value = value if number is None else float(number)
        if isinstance(value, (bool, int, float, str)) and setting.allowed.allows(value):
            return value
        self._fault(key, f"{value!r} is not {setting.allowed}")
        return setting.default or 0

    def _check_schedule(
        self, fixed: Mapping[str, Value], parameters: Mapping[str, Parameter]
    ) -> None:
        """A schedule has a length, and its warm-up is shorter."""
        given = {
            **{name: Parameter(Choice((value,))) for name, value in fixed.items()},
            **parameters,
        }
        schedule = given.get("schedule")
        if schedule and schedule.domain.holds("cosine") and "epochs" not in given:
            self._fault(
                "schedule", "cosine runs over `epochs`; say how many, in fixed or parameters"
            )
        if "warmup_epochs" in given and "epochs" in given:
            warmup, epochs = _most(given["warmup_epochs"].domain), _least(given["epochs"].domain)
            if not warmup < epochs:
                self._fault(
                    "warmup_epochs", f"{warmup:g} must be less than epochs, which may be {epochs:g}"
                )

    def _objectives(self) -> dict[str, str]:
        written = self._mapping("objectives") or {"score": MAXIMIZE}
        self._unknown_keys("objectives.", written, OBJECTIVES)
        for name, direction in written.items():
            if direction not in (MAXIMIZE, MINIMIZE):
                self._fault(f"objectives.{name}", f"{direction!r} is not {MAXIMIZE} or {MINIMIZE}")
        if written.get("score") != MAXIMIZE:
            self._fault("objectives", f"`score: {MAXIMIZE}` is always one")
        return dict(written)

    def _constraints(self) -> int | None:
        written = self._mapping("constraints")
        self._unknown_keys("constraints.", written, ("parameters",))
        if "parameters" not in written:
            return None
        limit = written["parameters"]
        most = limit.get("at_most") if isinstance(limit, dict) and len(limit) == 1 else None
        if isinstance(most, int) and not isinstance(most, bool) and most >= 1:
            return most
        self._fault("constraints.parameters", f"{limit!r} is not like {{at_most: 120000}}")
        return None

    def _pruner(self, scoring: Scoring) -> str:
        several = len(self._mapping("objectives")) > 1
        default = "none" if several or scoring is Scoring.CROSS_VALIDATION else "median"
        return self._one_of("pruner", tuple(PRUNERS), default)

    def _trials(self) -> int:
        trials = self._document.get("trials", DEFAULT_TRIALS)
        if _is_int(trials) and trials >= 1:
            return int(trials)
        self._fault("trials", f"{trials!r} is not a whole number of at least 1")
        return 1

    def _published(self, parameters: Mapping[str, Parameter]) -> tuple[Point, ...]:
        points = self._document.get("published", [])
        if not isinstance(points, list) or not all(isinstance(point, dict) for point in points):
            self._fault("published", "is not a list of points, each like {depth: 3, …}")
            return ()
        for place, point in enumerate(points, start=1):
            key = f"published, point {place}"
            values: dict[str, Value] = {}
            for name, parameter in parameters.items():
                if not parameter.applies(values):
                    continue
                if name not in point:
                    self._fault(key, f"{name} is missing")
                elif not _holds(parameter.domain, point[name]):
                    self._fault(key, f"{name}: {point[name]!r} is not {parameter.domain}")
                else:
                    values[name] = point[name]
            for name in point:
                if name not in values and (name not in parameters):
                    self._fault(key, f"{name} is no parameter of this space")
        return tuple(points)


def _holds(domain: Domain, value: Any) -> bool:
    return isinstance(value, (bool, int, float, str)) and domain.holds(value)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any) -> int | float | None:
    """A finite number; YAML 1.1 reads 1e-4 as text."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = value if isinstance(value, int) else float(value)
        return number if math.isfinite(number) else None
    except (ValueError, OverflowError):
        return None


def _most(domain: Domain) -> float:
    return _ends_of(domain)[1]


def _least(domain: Domain) -> float:
    return _ends_of(domain)[0]


def _ends_of(domain: Domain) -> tuple[float, float]:
    if not isinstance(domain, Choice):
        return domain.low, domain.high
    numbers = [value for value in domain.values if isinstance(value, (int, float))]
    return min(numbers, default=0), max(numbers, default=0)
