"""Run checks: how what MLflow has of a run differs from what it must hold."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...checksums import IS_MISSING
from ...tracking.run_record import TAG_MODEL, TAG_RESTORED, TAG_RESULT, TAG_TRIAL
from ...tracking.stored_runs import StoredModel, WholeRun
from ..runs.schema_types import missing_tag
from .expected import Expected

MOST_SHOWN = 60
"""Characters of a value."""
MODEL_FAULTS = {
    StoredModel.NONE: "its model is missing",
    StoredModel.EMPTY: "the files of its model are missing",
    StoredModel.DAMAGED: "the files of its model are damaged",
}
SAME = 1e-12
"""Relative difference of numbers that are the same: not every database keeps the last bit."""


def faults_of(run: WholeRun, expected: Expected) -> Iterator[str]:
    """What a run has otherwise than it must, each in one line."""
    if what := conflict(run, expected):
        yield what
        return
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
    gone = [path for path in expected.files - run.files if missing_tag(path) not in run.tags]
    for path, what in sorted({**dict.fromkeys(gone, IS_MISSING), **run.damaged}.items()):
        yield f"artifact {path} {what}"
    if expected.has_model and TAG_MODEL not in run.tags and run.model is not StoredModel.WHOLE:
        yield MODEL_FAULTS[run.model]


def conflict(run: WholeRun, expected: Expected) -> str:
    """What a run says of another result than the storage's; empty if both have the same.

    Which one is right nobody but the user knows. Where one side does not say whose result it has,
    as in an earlier version, other numbers are another result.
    """
    here, there = expected.tags.get(TAG_RESULT), run.tags.get(TAG_RESULT)
    if here and there:
        is_other = here != there
    else:
        found = {name: run.metrics.get(name) for name in expected.metrics}
        known = {name: number for name, number in found.items() if number is not None}
        is_other = any(differs(number, expected.metrics[name]) for name, number in known.items())
    if not is_other or run.status == "RUNNING" or TAG_TRIAL not in expected.tags:
        return ""
    theirs, ours = run.metrics.get("score"), expected.metrics.get("score")
    return (
        f"its run ({run.id}) has another result, with score {theirs}; the storage has one with "
        f"score {ours}. Put the newer storage back, or delete that run"
    )


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

    ours = [run for run in runs if not (run.is_deleted and conflict(run, expected))]
    ranked = sorted(ours, key=rank)
    surplus = tuple(run for run in ranked[1:] if not run.is_deleted)
    return Candidates(expected, ranked[0] if ranked else None, surplus)
