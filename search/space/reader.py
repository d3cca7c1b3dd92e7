"""Reading a space from a YAML document, with all faults reported together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...errors import FmsearchError
from ...models.families import FAMILIES
from ...models.settings import TRAINING, Anything, Setting, Value
from ..pruners import PRUNERS
from ..samplers import SAMPLERS
from .checks import check_conditions, check_schedule, read_points
from .engine_traits import ENGINES
from .faults import Faults
from .parameter_reader import ParameterReader, is_int
from .parameters import Choice, Parameter
from .reserved import reserved
from .score_reader import OWN_CODE, read_score
from .space import MAXIMIZE, MINIMIZE, OBJECTIVES, Space

KEYS = (
    *("name", "about", "model", "engine", "score", "sampler", "pruner", "trials", "patience"),
    *("objectives", "constraints", "fixed", "parameters", "published"),
)
OF_OPTUNA = ("sampler", "pruner", "trials", "patience", "objectives", "constraints", "published")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
MOST_POINTS = 100_000
"""A larger grid is taken for a mistake."""
DEFAULT_TRIALS = 50


class Reader:
    """Reads one document and collects its faults."""

    def __init__(self, document: Mapping[Any, Any], source: str, *, strict: bool = True) -> None:
        self._document = document
        self._source = source
        self._faults = Faults(source)
        self._strict = strict
        self._values = ParameterReader(self._faults, strict=strict)
        self._settings: Mapping[str, Setting] = {}
        self._own_model = False

    def read(self, text: str) -> Space:
        """Read the space; `text` is the document's text.

        Raises:
            FmsearchError: The document has faults, all of which are listed.
        """
        self._faults.unknown_keys("", self._document, KEYS)
        name = self._name()
        about = self._text("about", default="")
        model = self._model()
        engine, is_grid = self._engine()
        scoring, folding, metric = read_score(self._mapping("score"), self._faults)
        fixed = self._fixed()
        parameters = self._parameters(is_grid=is_grid)
        for both in fixed.keys() & parameters.keys():
            self._faults.add(f"fixed.{both}", "is also in parameters; keep one of the two")
        check_schedule(fixed, parameters, self._faults)
        check_conditions(parameters, self._faults)
        published = read_points(self._document.get("published", []), parameters, self._faults)
        objectives, most_parameters = self._objectives(), self._constraints()
        sampler = self._one_of("sampler", tuple(SAMPLERS), "tpe")
        pruner = self._pruner(objectives)
        trials = None if is_grid else self._count("trials", DEFAULT_TRIALS)
        patience = self._count("patience", None)
        self._faults.raise_if_any()
        space = Space(
            name=name,
            about=about,
            model=model,
            engine=engine,
            scoring=scoring,
            folding=folding,
            metric=metric,
            parameters=parameters,
            fixed=fixed,
            objectives=objectives,
            most_parameters=most_parameters,
            sampler=sampler,
            pruner=pruner,
            trials=trials,
            patience=patience,
            published=published,
            text=text,
        )
        if is_grid and space.size > MOST_POINTS:
            raise FmsearchError(
                f"{self._source}: the grid has {space.size:,} points, more than {MOST_POINTS:,}; "
                "give fewer choices"
            )
        return space

    def _name(self) -> str:
        name = self._text("name")
        if isinstance(self._document.get("name"), str) and not NAME.fullmatch(name):
            self._faults.add(
                "name",
                f"{name!r} must be 1 to 64 letters, digits, '_', '.' or '-', "
                "beginning with a letter or digit",
            )
        return name

    def _engine(self) -> tuple[str, bool]:
        """The engine's name, and whether it tries every point."""
        engine = self._one_of("engine", tuple(ENGINES))
        is_grid = engine in ENGINES and ENGINES[engine].tries_every_point
        if is_grid:
            for key in OF_OPTUNA:
                if key in self._document:
                    self._faults.add(key, "a grid has none; it belongs to engine: optuna")
        return engine, is_grid

    def _text(self, key: str, default: str | None = None) -> str:
        value = self._document.get(key, default)
        if isinstance(value, str):
            return value
        self._faults.add(
            key, "is missing" if value is None else f"{value!r} is not text; put it in quotes"
        )
        return ""

    def _one_of(self, key: str, names: tuple[str, ...], default: str | None = None) -> str:
        value = self._document.get(key, default)
        if isinstance(value, str) and value in names:
            return value
        got = "is missing" if value is None else f"{value!r} is unknown"
        self._faults.add(key, f"{got}; it is one of {', '.join(names)}")
        return ""

    def _mapping(self, key: str) -> Mapping[Any, Any]:
        value = self._document.get(key, {})
        if isinstance(value, dict):
            return value
        self._faults.add(key, f"{value!r} is not a mapping")
        return {}

    def _model(self) -> str:
        model = self._document.get("model")
        if isinstance(model, str) and OWN_CODE.fullmatch(model):
            self._own_model = True
            self._settings = TRAINING
            return model
        found = self._one_of("model", (*FAMILIES, "your.module:function"))
        if found in FAMILIES:
            self._settings = FAMILIES[found].settings
        return found

    def _setting(self, where: str, name: object) -> Setting | None:
        """The setting of that name; None, with a fault, if the model does not have it."""
        if self._own_model and isinstance(name, str) and name.isidentifier():
            if self._strict and (why := reserved(name)):
                self._faults.add(f"{where}{name}", why)
                return None
            return self._settings.get(name, Setting(Anything(), None))
        if isinstance(name, str) and name in self._settings:
            return self._settings[name]
        if self._settings:
            self._faults.unknown_keys(where, {name: None}, tuple(self._settings))
        return None

    def _fixed(self) -> dict[str, Value]:
        found = {}
        for name, value in self._mapping("fixed").items():
            setting = self._setting("fixed.", name)
            if setting is not None:
                found[name] = self._values.value(f"fixed.{name}", value, setting)
        return found

    def _parameters(self, *, is_grid: bool) -> dict[str, Parameter]:
        mapping = self._mapping("parameters")
        if not mapping:
            self._faults.add("parameters", "none are given; a space searches at least one")
        found: dict[str, Parameter] = {}
        for name, written in mapping.items():
            setting = self._setting("parameters.", name)
            if setting is not None:
                key = f"parameters.{name}"
                if is_grid and not isinstance(written, list):
                    self._faults.add(key, f"{written!r} is not a list of choices, like [64, 128]")
                else:
                    found[name] = self._values.parameter(key, written, setting, found)
                    if is_grid:
                        self._one_type(key, found[name])
        return found

    def _one_type(self, key: str, parameter: Parameter) -> None:
        values = parameter.domain.values if isinstance(parameter.domain, Choice) else ()
        kinds = sorted({type(value).__name__ for value in values})
        if len(kinds) > 1:
            self._faults.add(key, f"a grid's choices are of one type, not {' and '.join(kinds)}")

    def _objectives(self) -> dict[str, str]:
        written = self._mapping("objectives") or {"score": MAXIMIZE}
        self._faults.unknown_keys("objectives.", written, OBJECTIVES)
        for name, direction in written.items():
            if direction not in (MAXIMIZE, MINIMIZE):
                self._faults.add(
                    f"objectives.{name}", f"{direction!r} is not {MAXIMIZE} or {MINIMIZE}"
                )
        if written.get("score") != MAXIMIZE:
            self._faults.add("objectives", f"`score: {MAXIMIZE}` is always one")
        return {"score": MAXIMIZE, **written}

    def _constraints(self) -> int | None:
        written = self._mapping("constraints")
        self._faults.unknown_keys("constraints.", written, ("parameters",))
        if "parameters" not in written:
            return None
        limit = written["parameters"]
        most = limit.get("at_most") if isinstance(limit, dict) and len(limit) == 1 else None
        if isinstance(most, int) and not isinstance(most, bool) and most >= 1:
            return most
        self._faults.add("constraints.parameters", f"{limit!r} is not like {{at_most: 120000}}")
        return None

    def _pruner(self, objectives: Mapping[str, str]) -> str:
        default = "none" if len(objectives) > 1 else "median"
        return self._one_of("pruner", tuple(PRUNERS), default)

    def _count(self, key: str, default: int | None) -> int | None:
        count = self._document.get(key, default)
        if key not in self._document or (is_int(count) and count >= 1):
            return None if count is None else int(count)
        self._faults.add(key, f"{count!r} is not a whole number of at least 1")
        return None
