"""Recovery: the ledger hears what the outbox holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .engine import Recorder
from .ledger import StudyLedger
from .result import Duplicate, Failure, entries, read_entry
from .trial import State, Trial


def settle(recorder: Recorder, trial: Trial, entry: Path, trials: Sequence[Trial]) -> None:
    """Record a running trial as its folder says; `trials` are the study's."""
    found = read_entry(entry)
    if isinstance(found, Failure):
        recorder.fail(trial, found.error)
    elif isinstance(found, Duplicate):
        recorder.repeat(trial, trials[found.of])
    else:
        recorder.tell(trial, found)


def recover(ledger: StudyLedger, outbox: Path) -> None:
    """Tell the ledger of results that were on disk when an earlier session ended."""
    trials = ledger.trials()
    for number, entry in entries(outbox).items():
        trial = trials[number]
        if trial.state is State.WAITING:
            ledger.claim(number)
        if not trial.state.finished:
            settle(ledger, trial, entry, trials)
