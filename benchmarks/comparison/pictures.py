"""The benchmark's plots."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure


def save(draw: Callable[[Axes], None], file: Path) -> None:
    """Draw on new axes and save them, equal values as equal bytes."""
    with mpl.rc_context({"svg.hashsalt": "fmsearch", "font.size": 9}):
        figure = Figure(figsize=(7, 2.8), layout="constrained")
        draw(figure.subplots())
        figure.savefig(file, metadata={"Date": None})
    lines = file.read_text("utf-8").splitlines()
    file.write_text("\n".join(line.rstrip() for line in lines) + "\n", "utf-8")


def bars(axes: Axes, values: dict[str, list[float]], label: str) -> None:
    """A bar for the median of each way, a dot for each single value."""
    names = list(values)
    axes.barh(names, [median(values[name]) for name in names], color="C0", alpha=0.6)
    for place, name in enumerate(names):
        axes.plot(values[name], [place] * len(values[name]), "k.", markersize=4)
        axes.text(median(values[name]), place, f"  {median(values[name]):.1f} ", va="center")
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set(xlabel=label)
