"""Tables of a study's trials, as CSV text."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import numpy as np

from ...models.settings import Value
from ..trial import State, Trial

FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""Beginnings of formulas, in letters of both widths: those of OWASP's page on CSV injection."""


def trials_csv(trials: Sequence[Trial]) -> str:
    """One row for each trial: its parameters, state, final numbers, and why it has none."""
    parameters = sorted({name for trial in trials for name in trial.parameters})
    metrics = list(dict.fromkeys(name for trial in trials for name in trial.metrics))
    others = ["trial", "state", *metrics, "fit_seconds", "reason"]
    columns = parameter_columns(parameters, others)
    header = [*others[:2], *columns, *others[2:]]
    rows = [
        [
            trial.number,
            trial.state.value,
            *(trial.parameters.get(name, "") for name in parameters),
            *(trial.metrics.get(name, "") for name in metrics),
            round(sum(trial.fit_seconds), 3),
            trial.reason,
        ]
        for trial in trials
    ]
    return csv_text(header, rows)


def shown(value: Value) -> str:
    """A parameter's value as text; a float has four significant digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def parameter_columns(parameters: Sequence[str], others: Sequence[str]) -> list[str]:
    """Names of the columns of parameters; where other columns have one, `param_` is before all."""
    if {*parameters}.isdisjoint(others):
        return list(parameters)
    return [f"param_{name}" for name in parameters]


def cv_results(trials: Sequence[Trial]) -> dict[str, list[object]]:
    """Complete trials as scikit-learn's `GridSearchCV.cv_results_`, with its columns and order."""
    complete = [trial for trial in trials if trial.state is State.COMPLETE]
    if not complete:
        return {}
    fit = np.array([trial.fit_seconds for trial in complete])
    score = np.array([trial.score_seconds for trial in complete])
    splits = np.array([trial.fold_scores for trial in complete])
    means = np.average(splits, axis=1)
    columns: dict[str, list[object]] = {
        "mean_fit_time": fit.mean(axis=1).tolist(),
        "std_fit_time": fit.std(axis=1).tolist(),
        "mean_score_time": score.mean(axis=1).tolist(),
        "std_score_time": score.std(axis=1).tolist(),
    }
    for name in sorted(complete[0].parameters):
        columns[f"param_{name}"] = [trial.parameters[name] for trial in complete]
    columns["params"] = [dict(sorted(trial.parameters.items())) for trial in complete]
    for fold, scores in enumerate(splits.T):
        columns[f"split{fold}_test_score"] = scores.tolist()
    columns["mean_test_score"] = means.tolist()
    columns["std_test_score"] = splits.std(axis=1).tolist()
    columns["rank_test_score"] = [int(np.sum(means > mean)) + 1 for mean in means]
    return columns


def cv_results_csv(trials: Sequence[Trial]) -> str:
    """`cv_results` as CSV, one row for each complete trial."""
    columns = cv_results(trials)
    return csv_text(list(columns), list(map(list, zip(*columns.values(), strict=True))))


def csv_text(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table as CSV, in which no text is a formula of a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    """A value for a spreadsheet; a text that would be a formula there gets an apostrophe."""
    is_formula = isinstance(value, str) and value.startswith(FORMULA)
    return f"'{value}" if is_formula else value
