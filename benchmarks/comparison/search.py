"""A search of convolutional networks: fmsearch, Optuna's usual recipe, Ray Tune."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, islice
from pathlib import Path
from statistics import median
from typing import Any

from matplotlib.axes import Axes
from peers.problem import SPACE, Problem

from .commands import Ran, curve, peer, study
from .result import Result, Row, ratios, spread, table

TITLE = "A search of convolutional networks"
ABOUT = """\
One space, one budget of trials and epochs and one split for all; every trial is tracked in MLflow
on SQLite. All propose by TPE; each prunes in its usual way: fmsearch and Optuna by the median,
Ray Tune by ASHA. Two processes share Optuna's study through a journal file. Times are of whole
commands, their start included; when an accuracy was measured, MLflow says.
"""
TARGET = 0.925
NEVER = float("inf")
PEERS = {
    "Optuna recipe, 2 processes": ("optuna_recipe", 2),
    "Ray Tune, 2 at once": ("ray_tune", 2),
    "Optuna recipe, 1 process": ("optuna_recipe", 1),
}


@dataclass(frozen=True)
class Size:
    """The budget, the seeds, each of which is a round, and how many of `PEERS` are measured."""

    trials: int
    epochs: int
    images: int | None
    seeds: int
    peers: int


SIZES = {
    "tiny": Size(2, 1, 1_000, 1, 3),
    "short": Size(4, 2, 8_000, 1, 2),
    "long": Size(12, 8, None, 3, 3),
}


def measure(form: str, folder: Path) -> Iterator[Row]:
    """Wall seconds, and the best validation accuracy so far over the time."""
    size = SIZES[form]
    space = SPACE.replace("EPOCHS", str(size.epochs))
    options = ["--trials", str(size.trials)]
    if size.images is not None:
        options += ["--train-images", str(size.images)]
    for seed in range(size.seeds):
        home = folder / str(seed)
        ran = study(home / "fmsearch", space, "--seed", str(seed), *options)
        yield row("fmsearch", seed, ran, home / "fmsearch")
        for way, (name, jobs) in islice(PEERS.items(), size.peers):
            problem = Problem(
                images=size.images, jobs=jobs, seed=seed, trials=size.trials, epochs=size.epochs
            )
            ran, _ = peer(home / way, name, problem)
            yield row(way, seed, ran, home / way)


def row(way: str, seed: int, ran: Ran, folder: Path) -> Row:
    """What is kept of one search; `best` has a pair for each time at which the best one grew."""
    points = [(at - ran.began, value) for at, value in curve(folder)]
    running = accumulate((value for _, value in points), max)
    best: list[tuple[float, float]] = []
    for (at, _), value in zip(points, running, strict=True):
        if not best or value > best[-1][1]:
            best.append((round(at, 1), round(value, 4)))
    return {
        "way": way,
        "seed": seed,
        "seconds": ran.seconds,
        "epochs": len(points),
        "target": time_to(TARGET, best),
        "best": best,
    }


def time_to(target: float, best: list[Any]) -> float | None:
    """Seconds until the accuracy was there; None if it never was."""
    return next((at for at, value in best if value >= target), None)


def section(result: Result) -> str:
    """The table."""
    seconds, epochs = result.values("seconds"), result.values("epochs")
    size = SIZES[result.form]
    rows = [
        [
            way,
            spread(values),
            spread(ratios(values, seconds["fmsearch"]), 2),
            spread(epochs[way], 0),
            spread([best[-1][1] for best in result.values("best")[way]], 4),
            *_target(result, way),
        ]
        for way, values in seconds.items()
    ]
    header = (
        "way | whole search, s | times as long as fmsearch | epochs trained"
        f" | best validation accuracy | seconds to {TARGET} | times as long as fmsearch"
    )
    images = "45,000" if size.images is None else f"{size.images * 3 // 4:,}"
    budget = f"{size.trials} trials of at most {size.epochs} epochs on {images} images."
    return f"{budget}\n\n" + table(header, rows)


def to_target(result: Result) -> dict[str, float]:
    """The median time to the target; a seed that never had it is the longest."""
    return {
        way: median(NEVER if one is None else one for one in seconds)
        for way, seconds in result.values("target").items()
    }


def _target(result: Result, way: str) -> list[str]:
    """When the target was reached, median and in each round; and beside fmsearch."""
    if result.form != "long":
        return ["long form", ""]
    middle = to_target(result)
    each = ", ".join("never" if t is None else f"{t:.0f}" for t in result.values("target")[way])
    if middle[way] == NEVER:
        return [f"never ({each})", ""]
    return [f"{middle[way]:.0f} ({each})", f"{middle[way] / middle['fmsearch']:.1f}"]


def draw(result: Result, axes: Axes) -> None:
    """The best accuracy over time; a line for each seed."""
    for color, (way, searches) in enumerate(result.values("best").items()):
        for number, best in enumerate(searches):
            end = result.values("seconds")[way][number]
            x, y = zip(*best, (end, best[-1][1]), strict=True)
            label = way if number == 0 else None
            axes.step(x, y, where="post", color=f"C{color}", label=label, alpha=0.8)
    axes.set(xlabel="seconds", ylabel="best validation accuracy")
    if result.form == "long":
        axes.axhline(TARGET, color="gray", linestyle=":")
        axes.set_ylim(bottom=0.86)
    axes.legend()
