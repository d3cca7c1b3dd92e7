"""Space files: reading a space from YAML, reporting every fault at once."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from ..errors import FmsearchError
from ..models.families import FAMILIES
from ..models.settings import FloatRange, Setting, Value
from .space import Space

ENGINES = ("keras_tuner",)
KEYS = ("name", "about", "model", "engine", "score", "parameters", "fixed")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
MOST_POINTS = 100_000
"""A grid with more points than this is a mistake, not a plan."""


def space_names() -> list[str]:
    """Names of the built-in spaces, sorted."""
    folder = resources.files(__package__) / "spaces"
    return sorted(
        file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml")
    )


def load_space(spec: str) -> Space:
    """A space by its built-in name or by the path of a YAML file.

    Raises:
        FmsearchError: There is no such space, or the file has faults; it names them all.
    """
    if spec in space_names():
        text = (resources.files(__package__) / "spaces" / f"{spec}.yaml").read_text("utf-8")
        return read_space(text, spec)
    path = Path(spec)
    if not path.is_file():
        names = space_names()
        near = difflib.get_close_matches(spec, names, n=1)
        hint = f"did you mean {near[0]}?" if near else f"built-in spaces: {', '.join(names)}"
        raise FmsearchError(f"no space {spec!r} and no file of that name; {hint}")
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FmsearchError(f"cannot read {path}: {error}") from error
    return read_space(text, str(path))


def read_space(text: str, source: str) -> Space:
    """Read a space from YAML text; `source` names it in messages.

    Raises:
        FmsearchError: The text is no YAML mapping, or has faults; it names them all.
    """
    import yaml

    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise FmsearchError(f"{source} is no YAML: {reason}") from error
    if not isinstance(document, dict):
        raise FmsearchError(
            f"{source} must be a mapping with the keys {', '.join(KEYS)}, "
            f"but is a {type(document).__name__}"
        )
    return _Reader(document, source).read(text)


class _Reader:
    """Reads one document and collects its faults, each as `key: what is wrong`."""

    def __init__(self, document: Mapping[Any, Any], source: str) -> None:
        self._document = document
        self._source = source
        self._faults: list[str] = []

    def read(self, text: str) -> Space:
        self._unknown_keys("", self._document, KEYS)
        name = self._text("name")
        if name and not NAME.fullmatch(name):
            self._faults.append(
                f"name: {name!r} must be 1 to 64 letters, digits, '_', '.' or '-', "
                "beginning with a letter or digit"
            )
        about = self._text("about", default="")
        model = self._one_of("model", tuple(FAMILIES))
        engine = self._one_of("engine", ENGINES)
        folds = self._folds()
        settings = FAMILIES[model].settings if model else {}
        fixed = self._fixed(settings)
        parameters = self._parameters(settings)
        for both in fixed.keys() & parameters.keys():
            self._faults.append(f"fixed.{both}: is also in parameters; keep one of the two")
        if self._faults:
            raise FmsearchError(f"{self._source}: " + "; ".join(self._faults))
        space = Space(name, about, model, engine, folds, parameters, fixed, text)
        if space.size > MOST_POINTS:
            raise FmsearchError(
                f"{self._source}: the grid has {space.size:,} points, more than {MOST_POINTS:,}; "
                "give fewer choices"
            )
        return space

    def _unknown_keys(self, where: str, mapping: Mapping[Any, Any], known: tuple[str, ...]) -> None:
        for key in mapping:
            if key not in known:
                near = difflib.get_close_matches(str(key), known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(known)}"
                self._faults.append(f"{where}{key}: unknown key; {hint}")

    def _text(self, key: str, default: str | None = None) -> str:
        value = self._document.get(key, default)
        if isinstance(value, str):
            return value
        self._faults.append(
            f"{key}: is missing" if value is None else f"{key}: {value!r} is not text"
        )
        return ""

    def _one_of(self, key: str, names: tuple[str, ...]) -> str:
        value = self._document.get(key)
        if isinstance(value, str) and value in names:
            return value
        got = "is missing" if value is None else f"{value!r} is unknown"
        self._faults.append(f"{key}: {got}; it is one of {', '.join(names)}")
        return ""

    def _mapping(self, key: str) -> Mapping[Any, Any]:
        value = self._document.get(key, {})
        if isinstance(value, dict):
            return value
        self._faults.append(f"{key}: {value!r} is not a mapping")
        return {}

    def _folds(self) -> int:
        score = self._mapping("score")
        self._unknown_keys("score.", score, ("by", "folds"))
        if score.get("by") != "cross_validation":
            self._faults.append(f"score.by: {score.get('by')!r} is not cross_validation")
        folds = score.get("folds")
        if isinstance(folds, int) and not isinstance(folds, bool) and folds >= 2:
            return folds
        self._faults.append(f"score.folds: {folds!r} is not a whole number of at least 2")
        return 0

    def _fixed(self, settings: Mapping[str, Setting]) -> dict[str, Value]:
        mapping = self._mapping("fixed")
        if settings:
            self._unknown_keys("fixed.", mapping, tuple(settings))
        return {
            name: self._value(f"fixed.{name}", value, settings[name])
            for name, value in mapping.items()
            if name in settings
        }

    def _parameters(self, settings: Mapping[str, Setting]) -> dict[str, tuple[Value, ...]]:
        mapping = self._mapping("parameters")
        if not mapping:
            self._faults.append("parameters: none are given; a space searches at least one")
        if settings:
            self._unknown_keys("parameters.", mapping, tuple(settings))
        return {
            name: self._choices(f"parameters.{name}", choices, settings[name])
            for name, choices in mapping.items()
            if name in settings
        }

    def _choices(self, key: str, choices: Any, setting: Setting) -> tuple[Value, ...]:
        if not isinstance(choices, list) or not choices:
            self._faults.append(f"{key}: {choices!r} is not a list of choices, like [64, 128]")
            return ()
        found = len(self._faults)
        values = tuple(self._value(key, choice, setting) for choice in choices)
        for index, value in enumerate(values):
            if len(self._faults) == found and value in values[:index]:
                self._faults.append(f"{key}: {value!r} stands twice")
        return values

    def _value(self, key: str, value: Any, setting: Setting) -> Value:
        if isinstance(setting.allowed, FloatRange):
            value = _as_float(value)
        if isinstance(value, (bool, int, float, str)) and setting.allowed.allows(value):
            return value
        self._faults.append(f"{key}: {value!r} is not {setting.allowed}")
        return setting.default


def _as_float(value: Any) -> Any:
    """A number as float (a grid's choices share one type); YAML 1.1 reads 1e-4 as text."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return value
    try:
        return float(value)
    except (ValueError, OverflowError):
        return value
