"""Changes for which Optuna has no call: a study gets another name, a failed trial waits again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.trial import TrialState
from sqlalchemy import Connection, delete, exists, select, update

from .attributes import DECISION, DUPLICATE, FIT, METRICS, PAUSE, REASON, RESULT, SCORE
from .ownership import OWNER
from .rows import models

OF_AN_ATTEMPT = (METRICS, FIT, SCORE, REASON, DUPLICATE, DECISION, RESULT, PAUSE, OWNER)
"""Attributes of a trial that say how it went."""


def rename(connection: Connection, study_id: int, name: str, attributes: Mapping[str, Any]) -> None:
    """Give a study another name, which no other has, and attributes that say so."""
    studies = models.StudyModel.__table__
    notes = models.StudyUserAttributeModel.__table__
    connection.execute(
        update(studies).where(studies.c.study_id == study_id).values(study_name=name)
    )
    own = notes.c.study_id == study_id
    connection.execute(delete(notes).where(own, notes.c.key.in_([*attributes])))
    for key, value in attributes.items():
        row = {"study_id": study_id, "key": key, "value_json": json.dumps(value)}
        connection.execute(notes.insert().values(row))


def is_taken(connection: Connection, name: str) -> bool:
    """Whether there is a study of that name, also one of another program's."""
    studies = models.StudyModel.__table__
    return bool(connection.execute(select(exists().where(studies.c.study_name == name))).scalar())


def let_wait(connection: Connection, study_id: int, numbers: Sequence[int]) -> None:
    """Let failed trials wait, as if they had not been tried, under their numbers.

    Optuna changes no finished trial, and its way, a copy with another number, would move a point of
    a grid from its place, and count against the number of trials.
    """
    trials = models.TrialModel.__table__
    failed = (
        select(trials.c.trial_id)
        .where(trials.c.study_id == study_id, trials.c.state == TrialState.FAIL)
        .where(trials.c.number.in_(numbers))
    )
    ids = list(connection.execute(failed).scalars())
    notes = models.TrialUserAttributeModel.__table__
    scores = models.TrialIntermediateValueModel.__table__
    connection.execute(
        delete(notes).where(notes.c.trial_id.in_(ids), notes.c.key.in_(OF_AN_ATTEMPT))
    )
    connection.execute(delete(scores).where(scores.c.trial_id.in_(ids)))
    waiting = {"state": TrialState.WAITING, "datetime_start": None, "datetime_complete": None}
    connection.execute(update(trials).where(trials.c.trial_id.in_(ids)).values(waiting))
