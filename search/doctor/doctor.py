"""The doctor: where storage, outbox and MLflow disagree about a study that nobody runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ...locks import hold
from ...places import Places
from ...tracking.reachability import check_reachable
from ...tracking.stored_runs import WholeRun
from ..outbox import kept_apart
from ..storage.storage import open_storage
from ..storage.stored_study import StoredStudy
from ..study.rename import complete_rename, is_renamed_in_part
from ..trial import State, Trial
from ..whole_folders import REMOVED, half_written
from .compare import conflict, faults_of
from .records import Records, read_records
from .repair import Repair


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it must be.

    Attributes:
        study: Whose.
        trial: Its number; None for what belongs to no trial.
        what: One line.
    """

    study: str
    trial: int | None
    what: str

    def __str__(self) -> str:
        whose = self.study if self.trial is None else f"{self.study} trial {self.trial}"
        return f"{whose}: {self.what}"


def compare(records: Records) -> list[Difference]:
    """All differences between the records, of the study first, then trial by trial."""
    name = records.study.name
    found = [Difference(name, None, what) for what in _study_faults(records)]
    for trial in records.trials:
        found += [Difference(name, trial.number, what) for what in _trial_faults(records, trial)]
    return found


def _study_faults(records: Records) -> Iterator[str]:
    for path in half_written(records.outbox):
        yield f"outbox: {path.name} is half {'removed' if path.suffix == REMOVED else 'written'}"
    for path in records.foreign:
        yield f"outbox: {path.name} belongs to no trial"
    for run, trial in records.orphans:
        if trial is None:
            yield f"the run {run.name} ({run.id}) belongs to no trial{_older(run)}"
    if records.is_unshipped:
        return  # what of the study's run is missing comes with the rest
    if any(trial.is_damaged for trial in records.trials):
        return  # nobody knows what the study's run has to hold
    runs = records.study_run
    if runs.best is None:
        yield "its run is missing"
    elif runs.best.status == "RUNNING" and not runs.best.is_deleted:
        yield "its run is RUNNING, though nobody runs the study"
    else:
        yield from faults_of(runs.best, runs.expected)
    for run in runs.surplus:
        yield f"it has a second run ({run.id})"


def _trial_faults(records: Records, trial: Trial) -> Iterator[str]:
    if trial.is_damaged:
        yield f"{trial.reason}; put a backup of the storage in its place"
        return
    if trial.state is State.RUNNING:
        yield "it is running in the storage, though nobody runs the study"
    if trial.number in records.stale_checkpoints:
        yield "it is finished, and its checkpoint is still there"
    for run, owner in records.orphans:
        if owner is trial:
            yield f"it has a run, the storage says {trial.state.value}{_older(run)}"
    if not trial.state.finished:
        return
    runs = records.trial_run(trial)
    if trial.number in records.waiting:
        if runs.best is not None and (what := conflict(runs.best, runs.expected)):
            yield what
    elif runs.best is None:
        yield f"its run is missing, the storage says {trial.state.value}"
    else:
        yield from faults_of(runs.best, runs.expected)
    for run in runs.surplus:
        yield f"it has a second run ({run.id})"


def _older(run: WholeRun) -> str:
    """What follows from a run of which the storage should know."""
    if run.status == "RUNNING":
        return ""
    return "; if that is an older one, put the newer one back; else delete that run"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What the doctor found of one study.

    Attributes:
        study: Its name.
        waiting: How many trials wait in the outbox; None if nothing waits. That is no difference.
        mended, left: Differences that were there, and that are.
        shipped: How many trials were shipped to mend them.
        apart: Folders of results that cannot be used, and why. They are no difference.
    """

    study: str
    waiting: int | None
    left: list[Difference]
    mended: list[Difference] = field(default_factory=list)
    shipped: int = 0
    apart: Mapping[Path, str] = field(default_factory=dict)


def examine(
    places: Places, names: Sequence[str], *, fix: bool, quick: bool = False
) -> Iterator[Finding]:
    """Compare the records of some studies, and mend them if `fix` says so.

    Args:
        places: Of the store.
        names: Of the studies.
        fix: Whether to mend.
        quick: Whether files are believed that are there and not empty; else they are read.

    Raises:
        FmsearchError: The store cannot be reached, a study is not there, or is being run.
    """
    check_reachable(places)
    for name in names:
        with hold(places.lock(name), f"the study {name!r}"):
            study = open_storage(places.storage, places.worker()).study(name)
            study.check_run_nowhere_else()
            found = _look(study, places, read=not quick)
            is_damaged = any(trial.is_damaged for trial in study.trials())
            if not fix or is_damaged or (not found.left and found.waiting is None):
                yield found
                continue
            complete_rename(study, places)
            shipped = Repair(study, places, read=not quick).mend()
            now = _look(study, places, read=not quick)
            mended = [one for one in found.left if one not in now.left]
            yield replace(now, mended=mended, shipped=shipped)


def _look(study: StoredStudy, places: Places, *, read: bool) -> Finding:
    if is_renamed_in_part(study, places):
        former = study.attributes.former_name()
        what = f"MLflow or a folder has it under an earlier name{former and f' ({former})'}"
        whole = Difference(study.config.name, None, what)  # what follows from it is not listed
        return Finding(study=study.config.name, waiting=None, left=[whole])
    records = read_records(study, places, read=read)
    return Finding(
        study=records.study.name,
        waiting=len(records.waiting) if records.is_unshipped else None,
        left=compare(records),
        apart=kept_apart(records.outbox),
    )
