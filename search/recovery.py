"""Recovery: the ledger hears what the outbox holds."""

from __future__ import annotations

from pathlib import Path

from .engine import Recorder
from .ledger import StudyLedger
from .result import entries, read_failure, read_result
from .trial import State, Trial


def settle(recorder: Recorder, trial: Trial, entry: Path) -> None:
    """Record a running trial as its folder says: complete or failed."""
    failure = read_failure(entry)
    if failure is None:
        recorder.tell(trial, read_result(entry))
    else:
        recorder.fail(trial, failure.error)


def recover(ledger: StudyLedger, outbox: Path) -> None:
    """Tell the ledger of results that were on disk when an earlier session ended."""
    trials = ledger.trials()
    for number, entry in entries(outbox).items():
        trial = trials[number]
        if trial.state is State.WAITING:
            ledger.claim(number)
        if not trial.state.finished:
            settle(ledger, trial, entry)
