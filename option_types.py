"""Types of the commands' options that Click does not have."""

from __future__ import annotations

import math
import re
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


class Share(click.FloatRange):
    """A number in a range, which nan is not, though Click's own check lets it pass."""

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail("nan is not in the range 0<=x<=1.", param, ctx)
        return number


class KeepModels(click.ParamType[int | None]):
    """How many models are kept: all (None), none (0) or of the best K."""

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
