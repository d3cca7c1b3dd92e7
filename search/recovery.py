"""Recovery: the ledger hears what the outbox holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .engine import Recorder
from .ledger import StudyLedger
from .result import entries, read_duplicate, read_failure, read_result
from .trial import State, Trial


def settle(recorder: Recorder, trial: Trial, entry: Path, trials: Sequence[Trial]) -> None:
    """Record a running trial as its folder says; `trials` are the study's."""
    if (failure := read_failure(entry)) is not None:
        recorder.fail(trial, failure.error)
    elif (duplicate := read_duplicate(entry)) is not None:
        recorder.repeat(trial, trials[duplicate.of])
    else:
        recorder.tell(trial, read_result(entry))


def recover(ledger: StudyLedger, outbox: Path) -> None:
    """Tell the ledger of results that were on disk when an earlier session ended."""
    trials = ledger.trials()
    for number, entry in entries(outbox).items():
        trial = trials[number]
        if trial.state is State.WAITING:
            ledger.claim(number)
        if not trial.state.finished:
            settle(ledger, trial, entry, trials)
