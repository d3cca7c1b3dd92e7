"""What commands print of a study above its trials, and the table of studies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from rich.table import Table

from ..models.metrics import ACCURACY, find_metric
from ..search.runs.tables import shown
from ..search.space.score_words import scored_by
from ..search.study.status import StudyStatus, StudySummary
from .terminal import make_table


def overview_lines(name: str, now: StudyStatus) -> list[str]:
    """The lines above the table of a study's trials."""
    counts = ", ".join(f"{count} {status}" for status, count in now.counts.items())
    lines = [f"{name}: {now.trials} trials: {counts}"]
    if now.best is not None:
        values = " ".join(f"{key}={shown(value)}" for key, value in now.best.parameters.items())
        score = f"score {now.best.score:.5f}"
        if now.metric != ACCURACY:
            score += f" ({find_metric(now.metric).words})"
        lines.append(f"best: trial {now.best.number}, {score}: {values}")
    if now.importances:
        parts = ", ".join(f"{key} {share:.0%}" for key, share in now.importances.items())
        lines.append(f"importance: {parts}")
    if now.possible_gain:
        lines.append(gain_line(now.possible_gain))
    for number, last in now.running.items():
        where = f"score {last[1]:.4f} after step {last[0]}" if last else "no score yet"
        lines.append(f"running: trial {number}, {where}")
    return lines


def gain_line(gain: float) -> str:
    """What more trials may gain."""
    return f"to gain: about {gain:.4f} by more trials, as the best is so far above the second best"


def studies_table(studies: Sequence[StudySummary]) -> Table:
    """One row for each study: what is searched on which data, how far it is, its best trial."""
    header = ("study", "data", "scored by", "state", "trials", "best score", "trial", "last")
    rows = (
        (
            one.config.name,
            PurePath(one.config.data).name,
            scored_by(one.config.space),
            one.progress.value,
            ", ".join(f"{count} {status}" for status, count in one.counts.items()),
            f"{one.best.score:.5f}" if one.best else "",
            str(one.best.number) if one.best else "",
            f"{one.last_end:%Y-%m-%d %H:%M}" if one.last_end else "",
        )
        for one in studies
    )
    return make_table(header, rows, wrapped=["trials", "data", "last"])
