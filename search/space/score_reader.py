"""Reading how candidates are scored: by folds or held out images, and by which metric."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

from ...models.metrics import ACCURACY, METRICS
from ...models.settings import Scoring
from ...models.split import Folding
from .faults import Faults
from .parameter_reader import is_int

OWN_CODE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
"""A function of a user's own, as `package.module:function`."""
OF_FOLDS = ("folds", "stratified", "shuffle", "repeats")
MOST_REPEATS = 100


def read_score(score: Mapping[Any, Any], faults: Faults) -> tuple[Scoring, Folding, str]:
    """What a space says below `score`."""
    faults.unknown_keys("score.", score, ("by", "metric", *OF_FOLDS))
    metric = _metric(score.get("metric", ACCURACY), faults)
    ways = [one.value for one in Scoring]
    by = score.get("by")
    if by not in ways:
        faults.add("score.by", f"{by!r} is not one of {', '.join(ways)}")
    elif by == Scoring.CROSS_VALIDATION.value:
        return Scoring.CROSS_VALIDATION, _folding(score, faults), metric
    else:
        for name in OF_FOLDS:
            if score.get(name) is not None:
                faults.add(f"score.{name}", "belongs to cross_validation")
    return Scoring.VALIDATION, Folding(1), metric


def _metric(name: Any, faults: Faults) -> str:
    if isinstance(name, str) and (name in METRICS or OWN_CODE.fullmatch(name)):
        return name
    hint = f"it is one of {', '.join(METRICS)}, or your.module:function"
    if near := difflib.get_close_matches(str(name), METRICS, n=1):
        hint = f"did you mean {near[0]}?"
    faults.add("score.metric", f"{name!r} is unknown; {hint}")
    return ACCURACY


def _folding(score: Mapping[Any, Any], faults: Faults) -> Folding:
    folds: Any
    folds, repeats = score.get("folds"), score.get("repeats", 1)
    flags = {name: score.get(name, False) for name in ("stratified", "shuffle")}
    before = len(faults)
    if not is_int(folds) or folds < 2:
        faults.add("score.folds", f"{folds!r} is not a whole number of at least 2")
    if not is_int(repeats) or not 1 <= repeats <= MOST_REPEATS:
        faults.add("score.repeats", f"{repeats!r} is not a whole number from 1 to {MOST_REPEATS}")
    for name, flag in flags.items():
        if not isinstance(flag, bool):
            faults.add(f"score.{name}", f"{flag!r} is not true or false")
    if len(faults) > before:
        return Folding(2)
    if repeats > 1 and not flags["shuffle"]:
        faults.add("score.repeats", "without `shuffle: true` all repeats would be the same")
    return Folding(folds, repeats=repeats, **flags)
