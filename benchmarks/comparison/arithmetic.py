"""What share of the processor's arithmetic training uses, on one core and on all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from flops import NETWORKS, in_a_process
from matplotlib.axes import Axes

from .result import Result, Row, table

TITLE = "Against the physical limit"
ABOUT = """\
Operations of training steps, counted by code (those of convolutions and dense layers alone), for
each CPU second, as a share of those of a float32 product of two 2048 x 2048 matrices in the same
thread. On all cores, one process for each trains at the same time. `against fit` is the CPU time
of a step beside one of Keras' `fit` with the same library of kernels, one thread and no
augmentation. More in [Speed](speed.md); one core alone: `python benchmarks/flops.py --keras`.
"""
FORMS = {
    "tiny": (["784-64-32-10, batch 128"], 2),
    "short": (
        ["cnn_4", "found by cnn_small", "784-128-64-10, batch 64", "784-128-64-10, batch 128"],
        5,
    ),
    "long": (list(NETWORKS), 9),
}


def measure(form: str, folder: Path) -> Iterator[Row]:  # noqa: ARG001
    """Medians of each process, with one of them and with as many as cores."""
    networks, rounds = FORMS[form]
    cores = len(os.sched_getaffinity(0))
    for name in networks:
        alone = in_a_process(name, with_keras=True, rounds=rounds)
        yield {"way": name, "processes": 1, **vars(alone)}
        together = partial(in_a_process, with_keras=False, rounds=rounds)
        with ThreadPoolExecutor(cores) as pool:
            for one in pool.map(together, [name] * cores):
                yield {"way": name, "processes": cores, **vars(one)}


def share(rows: list[Row]) -> tuple[float, float]:
    """Operations a second of processes at the same time, and their share of the peak."""
    reached = sum(row["operations"] / row["step"] for row in rows)
    return reached, reached / sum(row["peak"] for row in rows)


def by_network(result: Result) -> dict[str, tuple[list[Row], list[Row]]]:
    """The rows of one process, and of as many as cores; with one core they are the same."""
    return {
        way: (
            [row for row in result.rows if row["way"] == way][:1],
            [row for row in result.rows if row["way"] == way][1:],
        )
        for way in result.values("step")
    }


def section(result: Result) -> str:
    """The table."""
    rows = []
    for way, (alone, together) in by_network(result).items():
        cells = [way, f"{alone[0]['step'] * 1e3:.2f}"]
        for processes in (alone, together):
            reached, part = share(processes)
            cells += [f"{reached / 1e9:.0f}", f"{part:.0%}"]
        evaluation = alone[0]["evaluating"] / alone[0]["evaluation"] / alone[0]["peak"]
        against = alone[0]["step"] / alone[0]["fit"]
        rows.append([*cells, f"{evaluation:.0%}", f"{against:.2f}"])
    cores = result.machine["cores"]
    header = (
        "network | ms a step | one core, GFLOP/s | share of peak"
        f" | all {cores} cores, GFLOP/s | share of peak | evaluation, one core | against `fit`"
    )
    return table(header, rows)


def draw(result: Result, axes: Axes) -> None:
    """The shares, on one core and on all."""
    found = by_network(result)
    for number, label in enumerate(("one core", "all cores")):
        places = [place - 0.2 + 0.4 * number for place in range(len(found))]
        values = [100 * share(rows[number])[1] for rows in found.values()]
        axes.barh(places, values, height=0.38, label=label)
    axes.set_yticks(range(len(found)), list(found))
    axes.invert_yaxis()
    axes.set(xlabel="% of the peak", xlim=(0, 100))
    axes.legend()
