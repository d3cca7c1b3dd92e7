"""The layout of Optuna's matplotlib figures, which are made for few parameters and few trials."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.ticker import (
    AutoLocator,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    StrMethodFormatter,
)
from optuna.distributions import IntDistribution

INCHES = (11.0, 5.0)
INCHES_PER_PARAMETER = 1.5
PANELS_PER_ROW = 5
INCHES_PER_ROW = 2.4
BEHIND_LABELS = {"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 0.5}


def save(name: str, axes: Any, study: optuna.Study, path: Path) -> None:
    """Lay a figure out, write it as PNG and close it.

    Args:
        name: Of the figure.
        axes: What Optuna gave: axes, or an array of them.
        study: That is drawn.
        path: Of the picture.
    """
    panels: list[Axes] = list(axes.flat) if hasattr(axes, "flat") else [axes]
    figure = panels[0].figure
    assert isinstance(figure, Figure)
    figure.set_size_inches(*INCHES)
    if name == "intermediate_values":
        _without_legend(panels[0])
    elif name == "parallel_coordinates":
        _with_readable_scales(panels[0], figure, _whole_numbers(study))
    elif name == "slices" and len(panels) > 1:
        _in_rows(panels, figure, _whole_numbers(study))
    figure.savefig(path, dpi=96, bbox_inches="tight")
    pyplot.close(figure)


def _whole_numbers(study: optuna.Study) -> set[str]:
    """Names of the parameters that are whole numbers."""
    trials = study.get_trials(deepcopy=False)
    found = {name: kind for trial in trials for name, kind in trial.distributions.items()}
    return {name for name, kind in found.items() if isinstance(kind, IntDistribution)}


def _without_legend(panel: Axes) -> None:
    """A legend of 40 trials is higher than the figure, and its colours repeat after 20."""
    if legend := panel.get_legend():
        legend.remove()
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.set_xlabel("epoch or fold")
    panel.set_ylabel("score so far")


def _with_readable_scales(panel: Axes, figure: Figure, whole: set[str]) -> None:
    """Whole numbers as such, and no lines but the trials'."""
    names = [label.get_text() for label in panel.get_xticklabels()]
    figure.set_size_inches(max(INCHES[0], INCHES_PER_PARAMETER * len(names)), INCHES[1])
    for one in figure.axes:
        one.grid(visible=False)
    # The figure's axes are the score's, the colour bar's, then one for each parameter.
    for name, scale in zip(names[1:], figure.axes[2:], strict=False):
        if name in whole and isinstance(scale.yaxis.get_major_locator(), AutoLocator):
            scale.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        scale.tick_params(labelsize=8)
        for label in scale.get_yticklabels(which="both"):
            label.set_bbox(BEHIND_LABELS)


def _in_rows(panels: list[Axes], figure: Figure, whole: set[str]) -> None:
    """Lay a row of panels out in several, and let labels keep clear of each other."""
    rows = -(-len(panels) // PANELS_PER_ROW)
    figure.set_size_inches(INCHES[0], max(INCHES[1], INCHES_PER_ROW * rows))
    grid = GridSpec(rows, PANELS_PER_ROW, figure, right=0.9, top=0.93, wspace=0.1, hspace=0.45)
    figure.axes[-1].set_position((0.92, 0.11, 0.015, 0.82))  # the colour bar
    ylabel = panels[0].get_ylabel()
    for index, panel in enumerate(panels):
        panel.set_subplotspec(grid[index])
        first = index % PANELS_PER_ROW == 0
        panel.tick_params(labelleft=first, labelsize=9)
        panel.set_ylabel(ylabel if first else "")
        panel.autoscale(axis="x")
        panel.margins(x=0.15)
        if panel.get_xscale() == "log":
            panel.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
            panel.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
            panel.xaxis.set_minor_formatter(NullFormatter())
        elif panel.get_xlabel() in whole:
            panel.xaxis.set_major_locator(MaxNLocator(4, integer=True))
