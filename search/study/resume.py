"""Resuming a study: results in the outbox are brought to the storage."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ...errors import FmsearchError
from ..engines.engine import TrialRecorder
from ..outbox import DamagedError, entries, keep_apart, read_entry
from ..result import Duplicate, Failure, Result
from ..storage.stored_study import StoredStudy
from ..trial import Trial
from ..whole_folders import discard, remove_half_written

log = logging.getLogger(__name__)


def settle(
    recorder: TrialRecorder, trial: Trial, entry: Path, find: Callable[[int], Trial]
) -> bool:
    """Finish a running trial with the result in its folder; `find` returns a trial by its number.

    Returns:
        Whether the result counts. If not, another coordinator has taken the trial, and the folder
        is removed.

    Raises:
        DamagedError: The folder's files are not as they were written.
    """
    return _tell(recorder, trial, entry, read_entry(entry), find)


def _tell(
    recorder: TrialRecorder,
    trial: Trial,
    entry: Path,
    read: tuple[str, Result | Failure | Duplicate],
    find: Callable[[int], Trial],
) -> bool:
    """As `settle`, with what has been read of the folder."""
    result_id, found = read
    trial = replace(trial, result=result_id)
    if isinstance(found, Failure):
        counts = recorder.fail(trial, found.error)
    elif isinstance(found, Duplicate):
        counts = recorder.repeat(trial, find(found.of))
    else:
        counts = recorder.tell(trial, found)
    if not counts:
        log.warning("trial %s was taken up by another worker; this result is late", trial.number)
        discard(entry)
    return counts


def recover(stored: StoredStudy, outbox: Path) -> None:
    """Continue after an earlier session: trials with a result on disk are finished with it; other
    trials that were running wait again. What is half written is removed; what is damaged is kept
    apart, and its trial waits again.

    Raises:
        FmsearchError: The outbox has something else than results of the study's trials.
    """
    remove_half_written(outbox)
    stored.take_back()
    trials = stored.trials()
    for trial in trials:
        if trial.is_damaged:
            log.warning("trial %s counts as failed: %s", trial.number, trial.reason)
    for number, entry in entries(outbox).items():
        if number >= len(trials):
            raise FmsearchError(
                f"{entry} is of no trial of the study, whose storage may be an older one; put the "
                "newer one in its place, or move that folder somewhere else"
            )
        try:
            _recover(stored, trials[number], entry)
        except DamagedError as error:
            keep_apart(entry, error.what)


def _recover(stored: StoredStudy, trial: Trial, entry: Path) -> None:
    read = read_entry(entry)
    if not trial.state.finished:
        if not stored.take(trial.number):
            stored.pauses.resume(trial.number)
        _tell(stored, trial, entry, read, stored.trial)
    elif trial.result != (result_id := read[0]):
        keep_apart(
            entry,
            f"the storage has another result of trial {trial.number} ({_named(trial.result)}, "
            f"score {trial.score}), this is {_named(result_id)}",
        )


def _named(result_id: str) -> str:
    return result_id[:8] or "of an earlier version"
