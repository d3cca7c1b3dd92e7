"""Written runs: whether MLflow has what it was sent, and of whose result it has it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..errors import FmsearchError
from .run_record import MOST_TAG_CHARACTERS, RunRecord

if TYPE_CHECKING:
    from mlflow.entities import Run


class ConflictError(FmsearchError):
    """MLflow has another result of the same trial; nobody but the user knows which one is right."""


def check_is_rest(run: Run, record: RunRecord) -> None:
    """Check that a run with another result than the record's was never finished.

    Raises:
        ConflictError: It was.
    """
    if run.info.status == "RUNNING":
        return
    here = {one.name: one.value for one in record.metrics}
    raise ConflictError(
        f"MLflow's run {run.info.run_name} ({run.info.run_id}) has another result of this trial: "
        f"{_said(run.data.metrics, run.info.end_time)}; here {_said(here, record.ended_at)}. That "
        "is so where the storage is an older one. Delete that run in MLflow, and `fmsearch sync` "
        "ships this result; or delete this result's folder in the outbox"
    )


def _said(metrics: Mapping[str, float], ended_at: int | None) -> str:
    score = f"score {metrics['score']:.4f}" if "score" in metrics else "no score"
    if ended_at is None:
        return score
    return f"{score}, ended {datetime.fromtimestamp(ended_at / 1_000, UTC):%Y-%m-%d %H:%M} UTC"


def lacking(run: Run, record: RunRecord) -> str:
    """The first thing that a run does not hold as its record says; empty if it holds all."""
    tags, params, metrics = run.data.tags, run.data.params, run.data.metrics
    for name, value in record.tags.items():
        if tags.get(name) != value[:MOST_TAG_CHARACTERS]:
            return f"the tag {name}"
    for name in record.params:
        if name not in params:
            return f"the param {name}"
    last = {one.name: one.value for one in sorted(record.metrics, key=lambda one: one.step)}
    for name, number in last.items():
        if not math.isclose(metrics.get(name, math.nan), number, rel_tol=1e-12):
            return f"the metric {name}"
    return "" if run.info.status == record.status.value else f"the status {record.status.value}"
