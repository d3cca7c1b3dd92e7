"""What tracking costs, on SQLite and over HTTP, beside the same study without MLflow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import psutil
from matplotlib.axes import Axes
from outage import start_server

from .commands import study
from .grid import GRID, SPACE
from .pictures import bars
from .result import Result, Row, ratios, spread, table

TITLE = "What tracking costs"
ABOUT = """\
The same study without MLflow (`--offline`), with MLflow in a SQLite file, and with an MLflow
server on this machine, in turn; whole commands. `CPU` is that of the coordinator, which does all
the tracking while trainers train. The share of tracking is what it has more than offline, of all
that the machine could compute in the time of the offline study (cores x seconds). The server's
CPU time is not in it, as a server has its own machine.
"""
OFFLINE, SQLITE, HTTP = "--offline", "SQLite", "HTTP"
HALF = {**GRID, "dropout_rate": [0.2]}
QUARTER = {**HALF, "optimizer": ["adam"]}
ROUNDS = {"tiny": 1, "short": 1, "long": 3}
GRIDS = {"tiny": {**QUARTER, "epochs": [1]}, "short": QUARTER, "long": GRID}


def subset(form: str) -> tuple[str, list[str]]:
    """The space of a form, and further options of `fmsearch study`."""
    lines = [f"  {name}: {values}" for name, values in GRIDS[form].items()]
    head = SPACE.text.partition("parameters:\n")[0]
    images = ["--train-images", "2000"] if form == "tiny" else []
    return f"{head}parameters:\n" + "\n".join(lines) + "\n", images


@contextmanager
def server(folder: Path) -> Iterator[tuple[psutil.Process, str]]:
    """An MLflow server and its address."""
    folder.mkdir(parents=True)
    process, url = start_server(folder)
    try:
        yield psutil.Process(process.pid), url
    finally:
        process.terminate()
        process.wait()


def measure(form: str, folder: Path) -> Iterator[Row]:
    """Wall and CPU seconds of each way, of each round."""
    space, options = subset(form)
    for number in range(1, ROUNDS[form] + 1):
        home = folder / str(number)
        for way, more in ((OFFLINE, ["--offline"]), (SQLITE, [])):
            ran = study(home / way, space, *options, *more)
            yield {"way": way, "seconds": ran.seconds, "cpu": ran.cpu}
        with server(home / "server") as (process, url):
            before = cpu_of(process)
            ran = study(home / HTTP, space, *options, "--tracking-uri", url)
            spent = cpu_of(process) - before
            yield {"way": HTTP, "seconds": ran.seconds, "cpu": ran.cpu, "server": spent}


def cpu_of(process: psutil.Process) -> float:
    """CPU seconds of a process and its living children."""
    family = (process, *process.children(recursive=True))
    return sum(sum(one.cpu_times()[:2]) for one in family)


def shares(result: Result) -> dict[str, list[float]]:
    """The share of tracking in what the machine could compute, of each round."""
    cpu, seconds = result.values("cpu"), result.values("seconds")[OFFLINE]
    all_ = [one * result.machine["cores"] for one in seconds]
    more = {
        way: [one - offline for one, offline in zip(cpu[way], cpu[OFFLINE], strict=True)]
        for way in (SQLITE, HTTP)
    }
    return {way: ratios(values, all_) for way, values in more.items()}


def section(result: Result) -> str:
    """The table."""
    seconds, cpu, server_cpu = (result.values(key) for key in ("seconds", "cpu", "server"))
    found = shares(result)
    rows = [
        [
            way,
            spread(values),
            spread(ratios(values, seconds[OFFLINE]), 3),
            spread(cpu[way], 2),
            f"{median(found[way]):.1%}" if way in found else "",
            spread(server_cpu[way], 2) if way in server_cpu else "",
        ]
        for way, values in seconds.items()
    ]
    header = "tracking | wall, s | against offline | CPU, s | share of tracking | server's CPU, s"
    return f"{points(result.form)}\n\n" + table(header, rows)


def points(form: str) -> str:
    """What the study is."""
    values = GRIDS[form].values()
    count = 1
    for one in values:
        count *= len(one)
    return f"Of the published grid {count} points, of 3 fits each."


def draw(result: Result, axes: Axes) -> None:
    """Wall time of each way."""
    bars(axes, result.values("seconds"), "seconds for the study")
