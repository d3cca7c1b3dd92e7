"""How much faster a study is with as many trainers as cores than with one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from matplotlib.axes import Axes

from .commands import study
from .pictures import bars
from .result import Result, Row, ratios, spread, table
from .tracking import ROUNDS, points, subset

TITLE = "More trainers"
ABOUT = """\
The same study, tracked in SQLite, with one trainer and with one for each core, in turn; whole
commands, with the start of the program, which takes as long with any number.
"""


def measure(form: str, folder: Path) -> Iterator[Row]:
    """Wall seconds of each way, of each round."""
    space, options = subset(form)
    for number in range(1, ROUNDS[form] + 1):
        for jobs in (len(os.sched_getaffinity(0)), 1):
            way = "1 trainer" if jobs == 1 else f"{jobs} trainers"
            ran = study(folder / f"{number}-{jobs}", space, *options, "--jobs", str(jobs))
            yield {"way": way, "seconds": ran.seconds}


def section(result: Result) -> str:
    """The table."""
    seconds = result.values("seconds")
    rows = [
        [way, spread(values), spread(ratios(seconds["1 trainer"], values), 2)]
        for way, values in seconds.items()
    ]
    return f"{points(result.form)}\n\n" + table("trainers | wall, s | times as fast", rows)


def draw(result: Result, axes: Axes) -> None:
    """Wall time of each way."""
    bars(axes, result.values("seconds"), "seconds for the study")
