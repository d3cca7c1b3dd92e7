"""Figures of a search, drawn by Optuna: as PNG, and as one interactive page."""

from __future__ import annotations

import html
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import matplotlib
import optuna
from matplotlib.figure import Figure

PAGE = "search.html"
FEWEST_TRIALS = 2

ONE_OBJECTIVE = (
    ("history", "plot_optimization_history"),
    ("importances", "plot_param_importances"),
    ("parallel_coordinates", "plot_parallel_coordinate"),
    ("slices", "plot_slice"),
    ("timeline", "plot_timeline"),
    ("intermediate_values", "plot_intermediate_values"),
)
SEVERAL_OBJECTIVES = (
    ("pareto_front", "plot_pareto_front"),
    ("history", "plot_optimization_history"),
    ("importances", "plot_param_importances"),
    ("parallel_coordinates", "plot_parallel_coordinate"),
    ("slices", "plot_slice"),
    ("timeline", "plot_timeline"),
)
INCHES_PER_PARAMETER = {"slices": 2.2, "parallel_coordinates": 1.5}
WITHOUT_TARGET = ("pareto_front", "timeline", "intermediate_values")


def draw(study: optuna.Study, objectives: Mapping[str, str], folder: Path) -> None:
    """Write each figure as `<name>.png`, and all of them as `search.html`, into a new folder.

    Args:
        study: With as many trials as there are; with fewer than two complete ones nothing is drawn.
        objectives: Names of the study's objectives, the score first.
        folder: Is made.
    """
    complete = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    if len(complete) < FEWEST_TRIALS:
        return
    folder.mkdir(parents=True)
    names = {name for trial in complete for name in trial.params}
    parts: list[str] = []
    # Optuna warns of parts of its own that may change, and of importances that few trials give.
    with warnings.catch_warnings(), matplotlib.rc_context({"backend": "agg"}):
        warnings.simplefilter("ignore")
        for name, axes in _drawn(study, objectives, optuna.visualization.matplotlib):
            width = max(11.0, INCHES_PER_PARAMETER.get(name, 0.0) * len(names))
            _save(axes, folder / f"{name}.png", width)
        for name, figure in _drawn(study, objectives, optuna.visualization):
            # The script that draws is 4 MB: once, and within the page, for readers offline.
            script = "inline" if not parts else False
            parts.append(f"<h2>{name.replace('_', ' ')}</h2>")
            parts.append(figure.to_html(full_html=False, include_plotlyjs=script))
    title = html.escape(study.study_name)
    head = f"<!doctype html><meta charset='utf-8'><title>{title}</title><h1>{title}</h1>"
    (folder / PAGE).write_text(head + "".join(parts), "utf-8")


def _drawn(
    study: optuna.Study, objectives: Mapping[str, str], library: Any
) -> Iterator[tuple[str, Any]]:
    """Every figure that the trials so far can fill, drawn by one of Optuna's two libraries."""
    several = len(objectives) > 1
    for name, function in SEVERAL_OBJECTIVES if several else ONE_OBJECTIVE:
        draw_one: Callable[..., Any] = getattr(library, function)
        options: dict[str, Any] = {}
        if several and name == "pareto_front":
            options = {"target_names": list(objectives)}
        elif several and name not in WITHOUT_TARGET:
            options = {"target": lambda trial: trial.values[0], "target_name": "score"}
        try:
            yield name, draw_one(study, **options)
        except (ValueError, RuntimeError):  # importances, say, of trials that are all alike
            continue


def _save(axes: Any, path: Path, width: float) -> None:
    from matplotlib import pyplot

    first = axes.flat[0] if hasattr(axes, "flat") else axes
    figure: Figure = first.figure
    figure.set_size_inches(width, 5)
    figure.savefig(path, dpi=96, bbox_inches="tight")
    pyplot.close(figure)
