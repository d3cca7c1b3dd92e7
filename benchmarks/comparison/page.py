"""docs/benchmarks.md and README's figures, as the results give them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from types import ModuleType

from . import arithmetic, grid, memory, pictures, search, start, tracking, trainers
from .result import Result, ratios

PARTS: dict[str, ModuleType] = {
    "grid": grid,
    "search": search,
    "arithmetic": arithmetic,
    "tracking": tracking,
    "trainers": trainers,
    "start": start,
    "memory": memory,
}
HEAD = """\
# Benchmarks

fmsearch beside what people use instead, on real data (Fashion-MNIST), measured on one machine:
`make bench`, the short form, takes about 17 minutes on 2 quiet cores, `make bench-long` some hours.
Both write this page, and their single values into `benchmarks/results/`; nothing here is written
by hand. Each peer is a small file in `benchmarks/peers/`. One part alone: `python
benchmarks/bench.py PART`. Ratios are between values of one round. Of several values: the median
(smallest to largest).
"""
BEGIN, END = "<!-- benchmarks: begin -->\n", "<!-- benchmarks: end -->\n"


def page(results: list[Result]) -> str:
    """The page; of a part the long form comes first."""
    text = [HEAD]
    for name, part in PARTS.items():
        text.append(f"## {part.TITLE}\n{part.ABOUT}")
        found = [result for result in results if result.part == name]
        if not found:
            text.append(f"Not measured yet: `python benchmarks/bench.py {name}`.\n")
        for result in sorted(found, key=lambda one: one.form):
            text.append(f"{part.section(result)}")
            text.append(f"![{part.TITLE}](pictures/{picture(result)})\n")
            text.append(caption(result))
    return "\n".join(text)


def picture(result: Result) -> str:
    """The name of its plot's file."""
    return f"bench_{result.part}_{result.form}.svg"


def caption(result: Result) -> str:
    """Where, when and with what it was measured."""
    machine = result.machine
    extensions = "AVX-512" if machine["avx512"] else "no AVX-512"
    if machine["avx512_vnni"]:
        extensions += " with VNNI"
    versions = ", ".join(f"{name} {one}" for name, one in result.versions.items())
    return (
        f"<sub>The {result.form} form, `{result.command}`, {result.date} UTC, on "
        f"{machine['cores']} cores of {machine['processor']} ({extensions}); load before it "
        f"{machine['load_before']}. {versions}. Single values: "
        f"[{result.file}](../benchmarks/results/{result.file}).</sub>\n"
    )


def draw_all(results: list[Result], folder: Path) -> None:
    """Draw the plot of each result."""
    for result in results:
        part = PARTS[result.part]
        pictures.save(lambda axes, r=result, p=part: p.draw(r, axes), folder / picture(result))


def figures(results: list[Result]) -> str:
    """README's sentences about speed; empty if nothing was measured that they need."""
    # The long form is the one that counts.
    chosen = {one.part: one for one in sorted(results, key=lambda one: one.form == "long")}
    return textwrap.fill(" ".join(_sentences(chosen)), 105)


def _sentences(of: dict[str, Result]) -> Iterator[str]:
    if result := of.get("grid"):
        seconds = result.values("seconds")
        ours = seconds["fmsearch"]
        one, two, tuner = (f"{median(ratios(seconds[way], ours)):.1f}" for way in grid.PEERS)
        yield (
            f"The published grid, tracked, from start to exit: {median(ours):.0f} s. "
            f"`GridSearchCV` takes {one} times as long with `n_jobs=1` and {two} times with "
            f"`n_jobs=2`, Keras Tuner's own `GridSearch` {tuner} times."
        )
    # The short forms of these are too small: the start of the programs counts for too much.
    if (result := of.get("search")) and result.form == "long":
        (_, ours), *others = search.to_target(result).items()
        times = [f"{way} {one / ours:.1f}" for way, one in others if one < search.NEVER]
        yield (
            f"Until a search of convolutional networks has validation accuracy {search.TARGET}: "
            f"{ours:.0f} s; times as long: {', '.join(times) or 'nobody else had it'}."
        )
    if (result := of.get("tracking")) and result.form == "long":
        found = tracking.shares(result)
        yield (
            f"Tracking takes {median(found[tracking.SQLITE]):.1%} of the machine's time in SQLite, "
            f"{median(found[tracking.HTTP]):.1%} over HTTP."
        )


def with_figures(readme: str, results: list[Result]) -> str:
    """README with its figures as the results give them; unchanged without results."""
    said = figures(results)
    if not said:
        return readme
    return re.sub(f"{BEGIN}.*?{END}", lambda _: f"{BEGIN}{said}\n{END}", readme, flags=re.DOTALL)
