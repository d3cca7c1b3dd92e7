"""Recovery: the storage hears what the outbox holds."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from ...errors import FmsearchError
from ..engines.engine import Recorder
from ..outbox import discard, entries, read_entry
from ..result import Duplicate, Failure
from ..storage.stored_study import StoredStudy
from ..trial import Trial

log = logging.getLogger(__name__)


def settle(recorder: Recorder, trial: Trial, entry: Path, find: Callable[[int], Trial]) -> bool:
    """Record a running trial as its folder says; `find` gives another trial of the study.

    Returns:
        Whether it counts. If not, the trial was taken up by another coordinator, and the folder,
        of which nothing will come, is removed.
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
    """Take up where an earlier session ended: trials that it ran wait again or, where their results
    were on disk, are told.

    Raises:
        FmsearchError: The outbox has something else than results of the study's trials.
    """
    stored.take_back()
    trials = stored.trials()
    found = entries(outbox)
    for number, entry in found.items():  # all, so that nothing is shipped from a damaged outbox
        read_entry(entry)
        if number >= len(trials):
            raise FmsearchError(f"{entry} is of no trial of the study; move it somewhere else")
    for number, entry in found.items():
        if not trials[number].state.finished:
            stored.take(number)
            settle(stored, trials[number], entry, stored.trial)
