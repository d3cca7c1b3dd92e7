"""Tables of a study's trials, as CSV text."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import numpy as np

from ..trial import State, Trial


def trials_csv(trials: Sequence[Trial]) -> str:
    """One row for each trial: its parameters, state, final numbers, and why it has none."""
    parameters = sorted({name for trial in trials for name in trial.parameters})
    metrics = list(dict.fromkeys(name for trial in trials for name in trial.metrics))
    header = ["trial", "state", *parameters, *metrics, "fit_seconds", "reason"]
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
    return _csv(header, rows)


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
    return _csv(list(columns), list(map(list, zip(*columns.values(), strict=True))))


def _csv(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
