"""Reading the domain and the condition of a searched parameter from YAML."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ...models.settings import Anything, FloatRange, IntRange, Setting, Value
from .faults import Faults
from .parameters import Choice, Domain, FloatInterval, IntInterval, Parameter

KEYS = ("choices", "int", "float", "step", "log", "when")


class ParameterReader:
    """Reads parameters and single values, and adds what is wrong with them to `faults`."""

    def __init__(self, faults: Faults, *, strict: bool = True) -> None:
        self._faults = faults
        self._strict = strict

    def parameter(
        self, key: str, written: Any, setting: Setting, before: Mapping[str, Parameter]
    ) -> Parameter:
        if not isinstance(written, dict):
            return Parameter(self.choices(key, written, setting))
        self._faults.unknown_keys(f"{key}.", written, KEYS)
        kinds = [kind for kind in ("choices", "int", "float") if kind in written]
        if len(kinds) != 1:
            self._faults.add(key, "needs one of choices: […], int: [low, high], float: [low, high]")
            return Parameter(Choice(()))
        domain: Domain
        if kinds == ["choices"]:
            domain = self.choices(key, written["choices"], setting)
            for word in ("step", "log"):
                if word in written:
                    self._faults.add(f"{key}.{word}", "does not go with choices")
        elif kinds == ["int"]:
            domain = self._int(key, written, setting)
        else:
            domain = self._float(key, written, setting)
        return Parameter(domain, self._when(key, written.get("when", {}), before))

    def choices(self, key: str, choices: Any, setting: Setting) -> Choice:
        if not isinstance(choices, list) or not choices:
            self._faults.add(key, f"{choices!r} is not a list of choices, like [64, 128]")
            return Choice(())
        found = len(self._faults)
        values = tuple(self.value(key, choice, setting) for choice in choices)
        seen: dict[Value, Value] = {}
        texts: dict[str, Value] = {}
        for value in values if len(self._faults) == found else ():
            if value not in seen:
                seen[value] = value
                if (same := texts.setdefault(str(value), value)) is not value and self._strict:
                    self._faults.add(
                        key, f"{same!r} and {value!r} are one text in MLflow; keep one"
                    )
            elif type(seen[value]) is type(value):
                self._faults.add(key, f"{value!r} stands twice")
            else:  # 1, 1.0 and true are equal in Python and in Optuna
                self._faults.add(key, f"{seen[value]!r} and {value!r} are the same; keep one")
        return Choice(values)

    def _int(self, key: str, written: Mapping[str, Any], setting: Setting) -> IntInterval:
        ends = self._ends(key, written["int"], setting)
        if ends is None:
            return IntInterval(0, 0)
        low, high = ends
        step, log = written.get("step", 1), self._flag(f"{key}.log", written)
        if not isinstance(setting.allowed, (IntRange, Anything)):
            self._faults.add(key, f"int: does not fit; it is {setting.allowed}")
        elif not is_int(low) or not is_int(high):
            self._faults.add(key, f"int: {written['int']!r} are not two whole numbers, like [1, 4]")
        elif not is_int(step) or step < 1:
            self._faults.add(f"{key}.step", f"{step!r} is not a whole number of at least 1")
        elif log and (step != 1 or low < 1):
            self._faults.add(f"{key}.log", "wants steps of 1 and numbers from 1")
        else:
            return IntInterval(low, high - (high - low) % step, step, log)
        return IntInterval(0, 0)

    def _float(self, key: str, written: Mapping[str, Any], setting: Setting) -> FloatInterval:
        ends = self._ends(key, written["float"], setting)
        if ends is None:
            return FloatInterval(0.0, 0.0)
        low, high = ends
        log = self._flag(f"{key}.log", written)
        if "step" in written:
            self._faults.add(f"{key}.step", "belongs to int")
        if not isinstance(setting.allowed, (FloatRange, Anything)):
            self._faults.add(key, f"float: does not fit; it is {setting.allowed}")
        elif log and low <= 0:
            self._faults.add(f"{key}.log", f"wants numbers above 0, but begins at {low:g}")
        else:
            return FloatInterval(float(low), float(high), log)
        return FloatInterval(0.0, 0.0)

    def _ends(self, key: str, ends: Any, setting: Setting) -> tuple[Any, Any] | None:
        if not isinstance(ends, list) or len(ends) != 2:
            self._faults.add(key, f"{ends!r} are not two numbers, [low, high]")
            return None
        low, high = (_number(end) for end in ends)
        if low is None or high is None or not low <= high:
            self._faults.add(key, f"`low <= high` must hold, but got {ends[0]!r} and {ends[1]!r}")
            return None
        for end in (low, high):
            if not setting.allowed.allows(end):
                self._faults.add(key, f"{end!r} is not {setting.allowed}")
        return low, high

    def _flag(self, key: str, written: Mapping[str, Any]) -> bool:
        value = written.get(key.rpartition(".")[2], False)
        if not isinstance(value, bool):
            self._faults.add(key, f"{value!r} is not true or false")
        return value is True

    def _when(
        self, key: str, written: Any, before: Mapping[str, Parameter]
    ) -> dict[str, tuple[Value, ...]]:
        if not isinstance(written, dict):
            self._faults.add(f"{key}.when", f"{written!r} is not a mapping like {{depth: [3, 4]}}")
            return {}
        found: dict[str, tuple[Value, ...]] = {}
        for name, wanted in written.items():
            if name not in before:
                there = ", ".join(before) or "none"
                self._faults.add(
                    f"{key}.when.{name}", f"is no parameter that stands before it; there: {there}"
                )
                continue
            wanted = wanted if isinstance(wanted, list) and wanted else [wanted]
            values = [as_value(before[name].domain, one) for one in wanted]
            domain = before[name].domain
            if isinstance(domain, FloatInterval):
                self._faults.add(
                    f"{key}.when.{name}", "a number that varies freely is no condition"
                )
            for value in values:
                if not isinstance(value, (bool, int, float, str)) or not domain.holds(value):
                    self._faults.add(f"{key}.when.{name}", f"{value!r} is not {domain}")
            found[name] = tuple(values)
        return found

    def value(self, key: str, value: Any, setting: Setting) -> Value:
        if not self._strict and isinstance(setting.allowed, Anything) and isinstance(value, str):
            number = _number(value)  # what was in quotes, too, was a number once
            value = value if number is None else number
        if isinstance(setting.allowed, FloatRange):
            number = _number(value)
            value = value if number is None else float(number)
        if isinstance(value, (bool, int, float, str)) and setting.allowed.allows(value):
            return value
        self._faults.add(key, f"{value!r} is not {setting.allowed}")
        return setting.default or 0


def as_value(domain: Domain, value: Any) -> Any:
    """A value with the type of its domain: in one of floats, 0 and the text 1e-4 are floats."""
    number = _number(value) if _is_of_floats(domain) else None
    return value if number is None else float(number)


def _is_of_floats(domain: Domain) -> bool:
    if isinstance(domain, Choice):
        return all(isinstance(one, float) for one in domain.values)
    return isinstance(domain, FloatInterval)


def is_int(value: Any) -> bool:
    """Whether a value is a whole number; True is none."""
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any) -> int | float | None:
    """A finite number, or a text that YAML 1.1 did not read as one, such as 1e-4; else None."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = value if isinstance(value, int) else float(value)
        return number if math.isfinite(number) else None
    except (ValueError, OverflowError):
        return None
