"""Resuming a study: results in the outbox are brought to the storage."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from ...errors import FmsearchError
from ..engines.engine import TrialRecorder
from ..outbox import discard, entries, read_entry
from ..result import Duplicate, Failure
from ..storage.stored_study import StoredStudy
from ..trial import Trial

log = logging.getLogger(__name__)


def settle(
    recorder: TrialRecorder, trial: Trial, entry: Path, find: Callable[[int], Trial]
) -> bool:
    """Finish a running trial with the result in its folder; `find` returns a trial by its number.

    Returns:
        Whether the result counts. If not, another coordinator has taken the trial, and the folder
        is removed.
    """
    found = read_entry(entry)
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
    trials that were running wait again.

    Raises:
        FmsearchError: The outbox has something else than results of the study's trials.
    """
    stored.take_back()
    trials = stored.trials()
    found = entries(outbox)
    for trial in trials:
        if trial.is_damaged:
            log.warning("trial %s counts as failed: %s", trial.number, trial.reason)
    for number, entry in found.items():  # check all before any is used
        read_entry(entry)
        if number >= len(trials):
            raise FmsearchError(f"{entry} is of no trial of the study; move it somewhere else")
    for number, entry in found.items():
        if not trials[number].state.finished:
            stored.take(number)
            settle(stored, trials[number], entry, stored.trial)
