"""The table of a study's trials."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import click
from rich.table import Table

from ..models.settings import Value
from ..search.runs.tables import parameter_columns, shown
from ..search.study.status import StudyStatus
from ..search.trial import State, Trial, ranking
from .terminal import WHOLE_LINES, make_console, make_table

Column = Callable[[Trial], Value | None]
"""The value of a trial in one column of a table; None for an empty cell."""


@dataclass(frozen=True)
class Wanted:
    """What a user asks of a table of trials.

    Attributes:
        columns: Names, separated by commas; None for those that tell trials apart.
        sort: Name of a column; None for the trials' numbers or, of the best, for their rank.
        top: How many of the best trials; None for all.
    """

    columns: str | None = None
    sort: str | None = None
    top: int | None = None


EVERYTHING = Wanted()


def trial_columns(trials: Sequence[Trial], now: StudyStatus) -> dict[str, Column]:
    """All columns that a table of trials can have, in their order.

    Args:
        trials: Those in the table.
        now: The study's status.
    """
    objectives = now.objectives
    parameters = sorted({name for trial in trials for name in trial.parameters})
    metrics = sorted({name for trial in trials for name in trial.metrics} - {*objectives})
    own: dict[str, Column] = {
        "trial": lambda trial: trial.number,
        "state": lambda trial: trial.status,
        "score": lambda trial: trial.score,
        "std": lambda trial: trial.metrics.get("score_std"),
        **{name: _metric(name) for name in objectives if name != "score"},
        "seconds": lambda trial: round(sum(trial.fit_seconds), 1) if trial.fit_seconds else None,
    }
    others = {name: _metric(name) for name in metrics if name != "score_std"}
    names = parameter_columns(parameters, [*own, *others, "reason"])
    searched = {column: _parameter(name) for column, name in zip(names, parameters, strict=True)}

    def reason(trial: Trial) -> str | None:
        paused = f"after {now.step} {trial.paused_at}" if trial.state is State.PAUSED else None
        return trial.reason or paused

    return {**own, **searched, **others, "reason": reason}


def _metric(name: str) -> Column:
    return lambda trial: trial.metrics.get(name)


def _parameter(name: str) -> Column:
    return lambda trial: trial.parameters.get(name)


def usual_columns(
    columns: dict[str, Column], trials: Sequence[Trial], objectives: Sequence[str]
) -> list[str]:
    """Columns that tell trials apart: those without equal values, or none, in all of them.

    Of a single trial all parameters are shown.

    Args:
        columns: All that there are.
        trials: Those in the table.
        objectives: As in `StudyStatus`; other metrics are left out.
    """
    metrics = {name for trial in trials for name in trial.metrics} - {*objectives}
    always, where_filled = ("trial", "state", "score"), ("std", "seconds", "reason")
    found = []
    for name, column in columns.items():
        values = {column(trial) for trial in trials}
        if name in where_filled:
            is_usual = values != {None}
        else:
            is_usual = name not in metrics and (len(values) > 1 or len(trials) == 1)
        if is_usual or name in always:
            found.append(name)
    return found


def chosen_columns(columns: dict[str, Column], asked: str) -> list[str]:
    """The columns that a user asks for, separated by commas.

    Raises:
        click.BadParameter: There is no such column.
    """
    names = [name.strip() for name in asked.split(",")]
    for name in names:
        if name not in columns:
            known = ", ".join(columns)
            raise click.BadParameter(f"no column {name!r}; there are {known}")
    return names


def arranged(trials: Sequence[Trial], columns: dict[str, Column], wanted: Wanted) -> list[Trial]:
    """The trials that a user asks for, in their order; empty cells come last.

    Raises:
        click.BadParameter: There is no such column.
    """
    found = list(trials) if wanted.top is None else ranking(trials)[: wanted.top]
    if wanted.sort is None:
        return found
    (name,) = chosen_columns(columns, wanted.sort)
    column = columns[name]
    filled = [trial for trial in found if column(trial) is not None]
    kinds = {type(column(trial)) for trial in filled}
    by_text = not kinds <= {int, float, bool}

    def key(trial: Trial) -> float | str:
        value = column(trial)
        return str(value) if by_text else float(value or 0)

    filled.sort(key=key, reverse=name == "score")
    return filled + [trial for trial in found if column(trial) is None]


def fitting_table(now: StudyStatus, most: int | None, wanted: Wanted) -> Table:
    """The `trials_table`, packed where it is wider than the terminal."""
    table = trials_table(now, most, wanted)
    console = make_console()
    wide = console.options.update(width=WHOLE_LINES)
    if console.is_terminal and console.measure(table, options=wide).maximum > console.width:
        return trials_table(now, most, wanted, is_packed=True)
    return table


def _pack(columns: dict[str, Column], names: Sequence[str], trials: Sequence[Trial]) -> list[str]:
    """Names of which one column, `with`, stands for all that hold parameters; it is added."""
    parameters = {name for trial in trials for name in trial.parameters}
    packed = [name for name in names if name.removeprefix("param_") in parameters]

    def together(trial: Trial) -> str:
        values = {name: columns[name](trial) for name in packed}
        return " ".join(f"{name}={shown(one)}" for name, one in values.items() if one is not None)

    columns["with"] = together
    rest = [name for name in names if name not in packed]
    return [*(name for name in rest if name != "reason"), "with", *("reason",) * ("reason" in rest)]


def trials_table(
    now: StudyStatus,
    most: int | None = None,
    wanted: Wanted = EVERYTHING,
    *,
    is_packed: bool = False,
) -> Table:
    """One row for each trial, with a mark at the best one, or at those on the Pareto front.

    Args:
        now: The study's status.
        most: Of a study of more trials, the latest `most` that do not wait are in the table.
        wanted: What is asked of the table.
        is_packed: Whether all parameters stand in one column, whose end may be cut.

    Raises:
        click.BadParameter: There is no such column.
    """
    listed = now.latest
    if most is not None and now.trials > most:
        listed = [trial for trial in listed if trial.state is not State.WAITING][-most:]
    columns = trial_columns(listed, now)
    trials = arranged(listed, columns, wanted)
    if wanted.columns is None:
        names = usual_columns(columns, listed, now.objectives)
    else:
        names = chosen_columns(columns, wanted.columns)
    if is_packed:
        names = _pack(columns, names, trials)
    best = now.front or ({now.best.number} if now.best is not None else set())

    def cell(name: str, trial: Trial) -> str:
        value = columns[name](trial)
        if name == "trial":
            return f"{value}{' *' if value in best else ''}"
        if name in ("score", "std") and isinstance(value, float):
            return f"{value:.5f}"
        return "" if value is None else shown(value)

    rows = ([cell(name, trial) for name in names] for trial in trials)
    table = make_table(names, rows, wrapped=["reason"])
    for name, column in zip(names, table.columns, strict=True):
        if name in ("trial", "state", "score"):  # these are never cut
            column.min_width = 8
    return table
