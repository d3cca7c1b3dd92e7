"""The tables of studies and trials that commands print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.table import Table

from ..models.settings import Value
from ..search.runs.tables import parameter_columns
from ..search.study.status import StudyStatus
from ..search.trial import DAMAGED, State, Trial
from .terminal import make_table


def shown(value: Value) -> str:
    """A parameter's value as text; a float has four significant digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def overview_lines(name: str, now: StudyStatus) -> list[str]:
    """The lines above the table of a study's trials."""
    counts = ", ".join(f"{count} {status}" for status, count in now.counts.items())
    lines = [f"{name}: {now.trials} trials: {counts}"]
    if now.best is not None:
        values = " ".join(f"{key}={shown(value)}" for key, value in now.best.parameters.items())
        lines.append(f"best: trial {now.best.number}, score {now.best.score:.5f}: {values}")
    if now.importances:
        parts = ", ".join(f"{key} {share:.0%}" for key, share in now.importances.items())
        lines.append(f"importance: {parts}")
    for number, last in now.running.items():
        where = f"score {last[1]:.4f} after step {last[0]}" if last else "no score yet"
        lines.append(f"running: trial {number}, {where}")
    return lines


def studies_table(studies: Sequence[tuple[str, Mapping[str, int], Trial | None]]) -> Table:
    """One row for each study: its numbers of trials by status, and its best trial."""
    columns = [State.COMPLETE.value, State.PRUNED.value, State.FAILED.value]
    if any(DAMAGED in counts for _, counts, _ in studies):
        columns.append(DAMAGED)
    header = ("study", "trials", *columns, "best score", "best trial")
    rows = (
        (
            name,
            str(sum(counts.values())),
            *(str(counts.get(one, 0)) for one in columns),
            f"{best.score:.5f}" if best else "",
            str(best.number) if best else "",
        )
        for name, counts, best in studies
    )
    return make_table(header, rows)


def trials_table(now: StudyStatus, most: int | None = None) -> Table:
    """One row for each trial, with a mark at the best one.

    A study of more than `most` trials is listed with its latest `most` that do not wait.
    """
    listed = now.latest
    best = now.best.number if now.best is not None else None
    names = sorted({name for trial in listed for name in trial.parameters})
    if most is not None and now.trials > most:
        listed = [trial for trial in listed if trial.state is not State.WAITING][-most:]
    rows = (
        (
            f"{trial.number}{' *' if trial.number == best else ''}",
            trial.status,
            "" if trial.score is None else f"{trial.score:.5f}",
            f"{trial.metrics['score_std']:.5f}" if "score_std" in trial.metrics else "",
            *(shown(trial.parameters.get(name, "")) for name in names),
            trial.reason,
        )
        for trial in listed
    )
    others = ("trial", "state", "score", "std", "reason")
    header = (*others[:-1], *parameter_columns(names, others), others[-1])
    table = make_table(header, rows, wrapped=["reason"])
    for column in table.columns[:3]:  # these are never cut
        column.min_width = 8
    return table
