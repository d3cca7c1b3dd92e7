"""Types of options: what is no such value is refused."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import click


class Duration(click.ParamType[float]):
    """Seconds, as a number with or without s, m or h."""

    name = "duration"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        if isinstance(value, float):
            return value
        match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", str(value).strip())
        if match is None:
            self.fail(f"{value!r} is no time like 90s, 20m or 2h", param, ctx)
        return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


class Number(click.types.FloatParamType):
    """A finite number. Click's own type accepts nan and inf, too."""

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value!r} is no finite number", param, ctx)
        return number


class Text(click.ParamType[str]):
    """A text that is not empty, as that of a variable which is not set is: `--name "$NAME"`."""

    name = "text"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        if not str(value).strip():
            self.fail("it is empty; leave the option out, or give it a value", param, ctx)
        return str(value)


class StudyName(Text):
    """A name that a study can have."""

    name = "study"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        from ..search.space.reader import NAME

        name = super().convert(value, param, ctx)
        if not NAME.fullmatch(name):
            self.fail(f"{name!r} must be 1 to 64 letters, digits, '_', '.' or '-'", param, ctx)
        return name


class Folder(click.Path):
    """A folder, there or not, whose name is not empty."""

    def __init__(self) -> None:
        super().__init__(file_okay=False, path_type=Path)

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if not str(value).strip():
            self.fail("it is empty; leave the option out, or name a folder", param, ctx)
        return super().convert(value, param, ctx)


class KeepModels(click.ParamType[int | None]):
    """How many models are kept: all (None), none (0) or those of the K best trials (K)."""

    name = "keep_models"

    def convert(self, value: Any, param: Any, ctx: Any) -> int | None:
        if value in ("all", None):
            return None
        if value == "none" or value == 0:
            return 0
        match = re.fullmatch(r"best:([1-9]\d*)", str(value))
        if match is None:
            self.fail(f"{value!r} is not all, best:K (like best:10) or none", param, ctx)
        return int(match[1])
