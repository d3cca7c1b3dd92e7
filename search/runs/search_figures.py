"""Figures of a search, drawn by Optuna: as PNG, and as one interactive page."""

from __future__ import annotations

import html
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
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

from .importances import FEWEST_TRIALS
from .plain_study import for_matplotlib, for_plotly, plain

if TYPE_CHECKING:
    from plotly.graph_objects import Figure as PlotlyFigure

FIGURES = (
    ("pareto_front", "plot_pareto_front"),
    ("history", "plot_optimization_history"),
    ("importances", "plot_param_importances"),
    ("parallel_coordinates", "plot_parallel_coordinate"),
    ("slices", "plot_slice"),
    ("timeline", "plot_timeline"),
    ("intermediate_values", "plot_intermediate_values"),
)
WITHOUT_SCORE_LABEL = ("timeline", "intermediate_values")

INCHES = (11.0, 5.0)
INCHES_PER_PARAMETER = 1.5
PANELS_PER_ROW = 5
INCHES_PER_ROW = 2.4
BEHIND_LABELS = {"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 0.5}


def draw(study: optuna.Study, objectives: Mapping[str, str], page: Path) -> None:
    """Write all figures as one page and, beside it, each as `<name>.png`.

    Args:
        study: With as many trials as there are; with fewer than two complete ones nothing is drawn.
        objectives: Names of the study's objectives, the score first.
        page: An HTML file in a folder that is made.
    """
    complete = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    if len(complete) < FEWEST_TRIALS:
        return
    page.parent.mkdir(parents=True, exist_ok=True)
    parts: list[str] = []
    # Optuna warns of parts of its own that may change, and of importances that few trials give.
    with warnings.catch_warnings(), matplotlib.rc_context({"backend": "agg"}):
        warnings.simplefilter("ignore")
        shown = plain(study, for_matplotlib)
        for name, axes in _drawn(shown, objectives, optuna.visualization.matplotlib):
            _save(name, axes, shown, page.with_name(f"{name}.png"))
        shown = plain(study, for_plotly)
        for name, figure in _drawn(shown, objectives, optuna.visualization):
            # The script that draws is 4 MB: once, and within the page, for readers offline.
            script = "inline" if not parts else False
            parts.append(f"<h2>{name.replace('_', ' ')}</h2>")
            parts.append(figure.to_html(full_html=False, include_plotlyjs=script))
    title = html.escape(study.study_name)
    head = f"<!doctype html><meta charset='utf-8'><title>{title}</title><h1>{title}</h1>"
    page.write_text(head + "".join(parts), "utf-8")


def interactive_figures(
    study: optuna.Study, objectives: Mapping[str, str]
) -> dict[str, PlotlyFigure]:
    """Each figure that the trials so far can fill, by name, as plotly's.

    Args:
        study: With any number of trials; with fewer than two complete ones there are no figures.
        objectives: As `draw` takes them.
    """
    complete = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    if len(complete) < FEWEST_TRIALS:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dict(_drawn(plain(study, for_plotly), objectives, optuna.visualization))


def _drawn(
    study: optuna.Study, objectives: Mapping[str, str], library: Any
) -> Iterator[tuple[str, Any]]:
    """Every figure that the trials so far can fill, drawn by one of Optuna's two libraries."""
    several = len(objectives) > 1
    scores = _scores(study) if several else study
    reported = any(trial.intermediate_values for trial in study.get_trials(deepcopy=False))
    there = {"pareto_front": several, "intermediate_values": reported and not several}
    for name, function in FIGURES:
        if not there.get(name, True):
            continue
        draw_one: Callable[..., Any] = getattr(library, function)
        options: dict[str, Any] = {}
        if name == "pareto_front":
            options = {"target_names": list(objectives)}
        elif name not in WITHOUT_SCORE_LABEL:
            options = {"target_name": "score"}
        try:
            yield name, draw_one(study if name == "pareto_front" else scores, **options)
        except (ValueError, RuntimeError):  # importances, say, of trials that are all alike
            continue


def _scores(study: optuna.Study) -> optuna.Study:
    """A study of several objectives as one of its first, the score, for figures of one."""
    alone = optuna.create_study(direction="maximize", study_name=study.study_name)
    for trial in study.get_trials():
        trial.values = trial.values and trial.values[:1]
        alone.add_trial(trial)
    return alone


def _save(name: str, axes: Any, study: optuna.Study, path: Path) -> None:
    """Lay a figure out, write it as PNG and close it.

    Optuna gives axes, or an array of them, and makes its figures for few parameters and trials.
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
    try:
        figure.savefig(path, dpi=96, bbox_inches="tight")
    finally:
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
