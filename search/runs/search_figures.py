"""Figures of a search, drawn by Optuna: as PNG, and as one interactive page."""

from __future__ import annotations

import html
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import matplotlib
import optuna

from . import figure_layout
from .importances import FEWEST_TRIALS

PAGE = "search.html"

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
    parts: list[str] = []
    # Optuna warns of parts of its own that may change, and of importances that few trials give.
    with warnings.catch_warnings(), matplotlib.rc_context({"backend": "agg"}):
        warnings.simplefilter("ignore")
        for name, axes in _drawn(study, objectives, optuna.visualization.matplotlib):
            figure_layout.save(name, axes, study, folder / f"{name}.png")
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
    scores = _scores(study) if several else study
    for name, function in FIGURES:
        if name == ("intermediate_values" if several else "pareto_front"):
            continue  # there are none
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
