"""Reading Optuna's trials from its tables by plain queries.

Optuna reads each row as an object of SQLAlchemy's ORM, which takes most of the time of reading a
large study. A test compares these trials with those that Optuna reads.
"""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import Any

from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import (
    ColumnElement,
    Connection,
    String,
    and_,
    bindparam,
    exists,
    func,
    select,
    type_coerce,
)

from .attributes import DAMAGE
from .rows import (
    READERS,
    UNREADABLE,
    columns,
    models,
    read_attribute,
    read_parameter,
    read_score,
    read_state,
    read_times,
    read_user_attribute,
    read_value,
)

TRIALS = models.TrialModel.__table__


@contextmanager
def without_collections() -> Iterator[None]:
    """Turn garbage collection off, in all threads, while many lasting objects are created.

    It took a third of the time of reading 10,000 trials.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def read_trials(connection: Connection, which: ColumnElement[bool]) -> list[FrozenTrial]:
    """The trials for which a condition on `TRIALS` holds, as Optuna reads them, ordered by id."""
    query = select(*columns(models.TrialModel)).where(which).order_by(TRIALS.c.trial_id)
    trials = connection.execute(query).all()
    ids = [trial.trial_id for trial in trials]
    found = {model: _of_each(connection, model, ids) for model, _ in READERS[1:]}
    return [
        _frozen(trial, {model: rows[trial.trial_id] for model, rows in found.items()})
        for trial in trials
    ]


def _frozen(trial: Any, rows: Mapping[Any, Sequence[Any]]) -> FrozenTrial:
    """A trial of its rows; if one of them cannot be read, it is failed, and `DAMAGE` says why.

    So a damaged row keeps nobody from the other trials.

    Args:
        rows: Of the other tables.
    """
    damage: list[str] = []

    def read(make: Callable[[], Any], otherwise: Any) -> Any:
        try:
            return make()
        except UNREADABLE as error:
            damage.append(" ".join(f"{type(error).__name__}: {error}".split()))
            return otherwise

    def attributes(model: Any, reader: Callable[[Any], Any]) -> dict[str, Any]:
        found: dict[str, Any] = read(lambda: {row.key: reader(row) for row in rows[model]}, {})
        return found

    params = read(
        lambda: {row.param_name: read_parameter(row) for row in rows[models.TrialParamModel]}, {}
    )
    values = sorted(rows[models.TrialValueModel], key=attrgetter("objective"))
    state = read(lambda: read_state(trial), TrialState.FAIL)
    start, complete = read(lambda: read_times(trial), (None, None))
    fields: dict[str, Any] = {
        "values": read(lambda: [read_value(row) for row in values], []) or None,
        "intermediate_values": read(
            lambda: dict(map(read_score, rows[models.TrialIntermediateValueModel])), {}
        ),
        "user_attrs": attributes(models.TrialUserAttributeModel, read_user_attribute),
        "system_attrs": attributes(models.TrialSystemAttributeModel, read_attribute),
    }
    if damage:
        state = TrialState.FAIL
        fields |= {"user_attrs": {DAMAGE: damage[0]}, "system_attrs": {}}
    return FrozenTrial(
        number=trial.number,
        state=state,
        value=None,
        datetime_start=start,
        datetime_complete=complete,
        params={name: value for name, (_, value) in params.items()},
        distributions={name: domain for name, (domain, _) in params.items()},
        trial_id=trial.trial_id,
        **fields,
    )


def find_damaged(connection: Connection, study_id: int) -> set[int]:
    """The ids of a study's damaged trials. It takes half the time of reading all trials."""
    ids = select(TRIALS.c.trial_id).where(TRIALS.c.study_id == study_id)
    found = set()
    for model, reader in READERS:
        query = select(*columns(model)).where(model.__table__.c.trial_id.in_(ids))
        for row in connection.execute(query):
            try:
                reader(row)
            except UNREADABLE:
                found.add(row.trial_id)
    return found


def read_study_attributes(
    connection: Connection, study: str | None = None
) -> dict[str, dict[str, str]]:
    """User attributes by the name of the study, as the stored JSON; None for all studies."""
    studies, notes = models.StudyModel.__table__, models.StudyUserAttributeModel.__table__
    query = (
        select(studies.c.study_name, notes.c.key, notes.c.value_json)
        .join(notes, notes.c.study_id == studies.c.study_id, isouter=True)
        .order_by(studies.c.study_id)
    )
    if study is not None:
        query = query.where(studies.c.study_name == study)
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for name, key, value in connection.execute(query).all():
        found[name] |= {} if key is None else {key: value}
    return found


def count_states(
    connection: Connection, study_id: int, damaged: Collection[int]
) -> dict[TrialState, int]:
    """Number of a study's trials in each state that occurs, but for the damaged ones."""
    state = type_coerce(TRIALS.c.state, String)
    query = select(state, func.count()).where(TRIALS.c.study_id == study_id, ~among(damaged))
    return {TrialState[name]: count for name, count in connection.execute(query.group_by(state))}


def read_last_end(connection: Connection, study_id: int) -> Any:
    """When the last trial of a study ended, as the database itself gives it; None if none has."""
    end = type_coerce(TRIALS.c.datetime_complete, String)
    return connection.execute(select(func.max(end)).where(TRIALS.c.study_id == study_id)).scalar()


def is_highest(study_id: int, mark: str) -> ColumnElement[bool]:
    """The condition of `Backend.best`."""
    values, notes = models.TrialValueModel.__table__, models.TrialUserAttributeModel.__table__
    own = and_(values.c.trial_id == TRIALS.c.trial_id, values.c.objective == 0)
    marked = exists().where(notes.c.trial_id == TRIALS.c.trial_id, notes.c.key == mark)
    highest = (
        select(TRIALS.c.trial_id)
        .join(values, own)
        .where(TRIALS.c.study_id == study_id, TRIALS.c.state == TrialState.COMPLETE)
        .where(values.c.value.is_not(None), ~marked)
        .order_by(values.c.value.desc(), TRIALS.c.number)
        .limit(1)
    )
    condition: ColumnElement[bool] = TRIALS.c.trial_id.in_(highest)
    return condition


def are_latest(study_id: int, most: int) -> ColumnElement[bool]:
    """The condition of `Backend.latest`."""
    latest = (
        select(TRIALS.c.trial_id)
        .where(TRIALS.c.study_id == study_id, TRIALS.c.state != TrialState.WAITING)
        .order_by(TRIALS.c.number.desc())
        .limit(most)
    )
    condition: ColumnElement[bool] = TRIALS.c.trial_id.in_(latest)
    return condition


def are_running(study_id: int) -> ColumnElement[bool]:
    """The condition of `Backend.running`."""
    return and_(TRIALS.c.study_id == study_id, TRIALS.c.state == TrialState.RUNNING)


def among(trial_ids: Collection[int]) -> ColumnElement[bool]:
    """The condition that a trial has one of these ids, of which there may be many."""
    condition: ColumnElement[bool] = TRIALS.c.trial_id.in_(_listed(trial_ids))
    return condition


def _of_each(connection: Connection, model: Any, ids: Collection[int]) -> dict[int, list[Any]]:
    """A table's rows by trial id, in the order in which they were written."""
    table = model.__table__
    rows: defaultdict[int, list[Any]] = defaultdict(list)
    if ids:
        query = select(*columns(model)).where(table.c.trial_id.in_(_listed(ids)))
        for row in connection.execute(query.order_by(*table.primary_key)).all():
            rows[row.trial_id].append(row)
    return rows


def _listed(ids: Collection[int]) -> Any:
    """Numbers as part of the query's text, because databases limit the number of parameters."""
    return bindparam(None, list(ids), expanding=True, literal_execute=True, unique=True)
