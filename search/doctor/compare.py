"""Run checks: how what MLflow has of a run differs from what it must hold."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...tracking.run_record import TAG_MODEL, TAG_RESTORED
from ...tracking.stored_runs import StoredModel, WholeRun
from ..runs.schema_words import missing_tag
from .expected import Expected

MOST_SHOWN = 60
"""Characters of a value."""
SAME = 1e-12
"""Relative difference of numbers that are the same: not every database keeps the last bit."""


def faults_of(run: WholeRun, expected: Expected) -> Iterator[str]:
    """What a run has otherwise than it must, each in one line."""
    if run.is_deleted:
        yield "its run is deleted"
    if run.status != expected.status.value:
        yield f"its run is {run.status}, the storage says {expected.state}"
    for name, value in expected.tags.items():
        if run.tags.get(name, "") != value:
            yield _otherwise(f"tag {name}", run.tags.get(name), value)
    for name in sorted(expected.absent & run.tags.keys()):
        yield f"tag {name} is there, and must not be"
    for name, value in expected.params.items():
        if run.params.get(name) != value:
            yield _otherwise(f"param {name}", run.params.get(name), value)
    for name, number in expected.metrics.items():
        if differs(run.metrics.get(name), number):
            yield _otherwise(f"metric {name}", run.metrics.get(name), number)
    if TAG_RESTORED in run.tags:
        return  # it says itself what it has lost
    for name in expected.measured:
        if name not in run.metrics:
            yield f"metric {name} is missing"
    for path in sorted(expected.files - run.files):
        if missing_tag(path) not in run.tags:
            yield f"artifact {path} is missing"
    if expected.has_model and TAG_MODEL not in run.tags and run.model is not StoredModel.WHOLE:
        gone = run.model is StoredModel.EMPTY
        yield "the files of its model are missing" if gone else "its model is missing"


def differs(found: float | None, number: float) -> bool:
    """Whether a metric's value is another one."""
    return found is None or not math.isclose(found, number, rel_tol=SAME)


def _otherwise(what: str, found: object, value: object) -> str:
    if found is None:
        return f"{what} is missing"
    return f"{what} is {_short(found)}, the storage says {_short(value)}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 1]}…"


@dataclass(frozen=True)
class Candidates:
    """The runs that claim to be one thing's.

    Attributes:
        expected: What its run must hold.
        best: The one that is nearest to that, in MLflow's bin only if all are.
        surplus: The others that are not deleted.
    """

    expected: Expected
    best: WholeRun | None
    surplus: tuple[WholeRun, ...]


def candidates(expected: Expected, runs: Sequence[WholeRun]) -> Candidates:
    """Tell the run that is nearest to what is expected from the others."""

    def rank(run: WholeRun) -> tuple[object, ...]:
        faults = sum(1 for _ in faults_of(run, expected))
        return (run.is_deleted, TAG_RESTORED in run.tags, faults, run.started_at, run.id)

    ranked = sorted(runs, key=rank)
    surplus = tuple(run for run in ranked[1:] if not run.is_deleted)
    return Candidates(expected, ranked[0] if ranked else None, surplus)
