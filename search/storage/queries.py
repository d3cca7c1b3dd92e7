"""Reading Optuna's trials from its tables by plain queries.

Optuna reads each row as an object of SQLAlchemy's ORM, which takes most of the time of reading a
large study. A test compares these trials with those that Optuna reads.
"""

from __future__ import annotations

import gc
import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any

from optuna.distributions import json_to_distribution
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import ColumnElement, Connection, and_, bindparam, exists, func, select

from .attributes import DAMAGE
from .optuna_private import tables

models = tables()
TRIALS = models.TrialModel.__table__
_value = models.TrialValueModel.stored_repr_to_value
_score = models.TrialIntermediateValueModel.stored_repr_to_intermediate_value
_distribution = lru_cache(maxsize=1024)(json_to_distribution)


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
    trials = connection.execute(select(TRIALS).where(which).order_by(TRIALS.c.trial_id)).all()
    ids = [trial.trial_id for trial in trials]
    params = _of_each(connection, models.TrialParamModel, ids)
    values = _of_each(connection, models.TrialValueModel, ids)
    scores = _of_each(connection, models.TrialIntermediateValueModel, ids)
    attributes = {
        "user_attrs": _of_each(connection, models.TrialUserAttributeModel, ids),
        "system_attrs": _of_each(connection, models.TrialSystemAttributeModel, ids),
    }
    return [
        _frozen(
            trial,
            params[trial.trial_id],
            sorted(values[trial.trial_id], key=attrgetter("objective")),
            scores[trial.trial_id],
            {kind: rows[trial.trial_id] for kind, rows in attributes.items()},
        )
        for trial in trials
    ]


def _frozen(
    trial: Any,
    params: Sequence[Any],
    values: Sequence[Any],
    scores: Sequence[Any],
    attributes: Mapping[str, Sequence[Any]],
) -> FrozenTrial:
    """A trial of its rows; if one of them cannot be read, it is failed, and `DAMAGE` says why.

    So a damaged row keeps nobody from the other trials.
    """
    state, domains, read, damage = trial.state, {}, {}, ""
    try:
        domains = {row.param_name: _distribution(row.distribution_json) for row in params}
        for kind, rows in attributes.items():
            read[kind] = {row.key: json.loads(row.value_json) for row in rows}
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        damage = " ".join(f"{type(error).__name__}: {error}".split())
        state, read = TrialState.FAIL, {"user_attrs": {DAMAGE: damage}, "system_attrs": {}}
    return FrozenTrial(
        number=trial.number,
        state=state,
        value=None,
        values=[_value(row.value, row.value_type) for row in values] or None,
        datetime_start=_local(trial.datetime_start),
        datetime_complete=_local(trial.datetime_complete),
        params={
            row.param_name: domains[row.param_name].to_external_repr(row.param_value)
            for row in params
            if row.param_name in domains
        },
        distributions=domains,
        **read,
        intermediate_values={
            row.step: _score(row.intermediate_value, row.intermediate_value_type) for row in scores
        },
        trial_id=trial.trial_id,
    )


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


def count_states(connection: Connection, study_id: int) -> dict[TrialState, int]:
    """Number of a study's trials in each state that occurs."""
    query = select(TRIALS.c.state, func.count()).where(TRIALS.c.study_id == study_id)
    rows = connection.execute(query.group_by(TRIALS.c.state)).all()
    return {row[0]: row[1] for row in rows}


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
        query = select(table).where(table.c.trial_id.in_(_listed(ids)))
        for row in connection.execute(query.order_by(*table.primary_key)).all():
            rows[row.trial_id].append(row)
    return rows


def _listed(ids: Collection[int]) -> Any:
    """Numbers as part of the query's text, because databases limit the number of parameters."""
    return bindparam(None, list(ids), expanding=True, literal_execute=True, unique=True)


def _local(stored: datetime | None) -> datetime | None:
    """Local time without its zone, as Optuna returns it; Optuna stores UTC without its zone."""
    return stored and stored.replace(tzinfo=UTC).astimezone().replace(tzinfo=None)
