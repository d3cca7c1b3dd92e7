"""Rows of Optuna's tables, read one by one, so that a damaged one keeps nobody from the others.

SQLAlchemy itself reads a column of states or of times, and gives no row where it cannot read one.
SQLite holds in any column whatever was written there, so numbers are looked at, too.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from optuna.distributions import BaseDistribution, json_to_distribution
from optuna.trial import TrialState
from sqlalchemy import DateTime, Enum, String, type_coerce

from .attributes import check_attribute
from .optuna_private import tables

models = tables()
UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, AssertionError)
"""What the functions of this module raise for a damaged row."""
_distribution = lru_cache(maxsize=1024)(json_to_distribution)


def columns(model: Any) -> list[Any]:
    """A table's columns; states, kinds of numbers and times as the database itself gives them."""
    return [
        type_coerce(one, String).label(one.name) if isinstance(one.type, (Enum, DateTime)) else one
        for one in model.__table__.columns
    ]


def read_state(trial: Any) -> TrialState:
    """A trial's state."""
    return TrialState[trial.state]


def read_times(trial: Any) -> tuple[datetime | None, datetime | None]:
    """When a trial began and ended."""
    return local_time(trial.datetime_start), local_time(trial.datetime_complete)


def read_parameter(row: Any) -> tuple[BaseDistribution, Any]:
    """A parameter's domain and value."""
    domain = _distribution(row.distribution_json)
    return domain, domain.to_external_repr(_number(row.param_value))


def read_attribute(row: Any) -> Any:
    """The value of a system attribute, which is Optuna's own."""
    return json.loads(row.value_json)


def read_user_attribute(row: Any) -> Any:
    """The value of a user attribute, which is ours."""
    value = json.loads(row.value_json)
    check_attribute(row.key, value)
    return value


def read_value(row: Any) -> float:
    """One of the values that the study optimises."""
    kind = models.TrialValueModel.TrialValueType[row.value_type]
    value: float = models.TrialValueModel.stored_repr_to_value(_number(row.value), kind)
    return value


def read_score(row: Any) -> tuple[int, float]:
    """A step, and the score that was reported after it."""
    model = models.TrialIntermediateValueModel
    kind = model.TrialIntermediateValueType[row.intermediate_value_type]
    value = model.stored_repr_to_intermediate_value(_number(row.intermediate_value), kind)
    return int(row.step), value


READERS: tuple[tuple[Any, Callable[[Any], object]], ...] = (
    (models.TrialModel, lambda row: (read_state(row), read_times(row))),
    (models.TrialParamModel, read_parameter),
    (models.TrialUserAttributeModel, read_user_attribute),
    (models.TrialSystemAttributeModel, read_attribute),
    (models.TrialValueModel, read_value),
    (models.TrialIntermediateValueModel, read_score),
)
"""How each row of the tables of trials is read."""


def _number(stored: object) -> Any:
    if isinstance(stored, (str, bytes)):
        raise TypeError(f"{stored!r} is no number")
    return stored


def local_time(stored: datetime | str | None) -> datetime | None:
    """Local time without its zone, as Optuna returns it; Optuna stores UTC without its zone."""
    if stored is None:
        return None
    time = stored if isinstance(stored, datetime) else datetime.fromisoformat(stored)
    return time.replace(tzinfo=UTC).astimezone().replace(tzinfo=None)
