"""Repair: what storage, outbox or MLflow has lost of a study, from the others."""

from __future__ import annotations

from functools import cached_property

from ...places import Places
from ...tracking.store import Store
from ...tracking.stored_runs import WholeRun
from ..outbox import entries, keep_apart
from ..storage.stored_study import StoredStudy
from ..study.resume import recover
from ..study.sync import ship
from .compare import conflict, faults_of
from .expected import Expected
from .records import Records, read_records
from .run_repair import RunRepair


class Repair:
    """Mends one study, which nobody runs meanwhile.

    Nothing that MLflow has is destroyed: runs that must not be there go into its bin.
    """

    def __init__(self, study: StoredStudy, places: Places, *, read: bool) -> None:
        """Take a study; `read` as of `runs_of_study`."""
        self._read_files = read
        self._study = study
        self._places = places
        self._outbox = places.outbox(study.config.label)

    def mend(self) -> int:
        """Mend what can be mended; gives how many trials were shipped from the outbox."""
        self._mend_outbox()
        before = len(entries(self._outbox))
        records = self._read()
        if self._mend_lives(records):
            records = self._read()
        if self._mend_study(records):
            records = self._read()
        self._mend_trials(records)
        return before - len(entries(self._outbox))

    @cached_property
    def _store(self) -> Store:
        return Store(self._places)

    def _read(self) -> Records:
        return read_records(self._study, self._places, read=self._read_files)

    def _mend_outbox(self) -> None:
        """Remove what nobody finished, and let the storage hear the rest."""
        for path in self._read_outbox().foreign:
            keep_apart(path, "the storage does not have its trial")
        recover(self._study, self._outbox)
        for path in self._read_outbox().stale_checkpoints.values():
            path.unlink()

    def _read_outbox(self) -> Records:
        return Records(self._study.config, self._study.trials(), self._outbox, runs=())

    def _mend_lives(self, records: Records) -> bool:
        """Take out of MLflow's bin what must be there, and put into it what must not.

        Gives whether there was anything to do, as `_mend_study` does.
        """
        finished = [records.trial_run(one) for one in records.trials if one.state.finished]
        missed = [run for one in (records.study_run, *finished) if (run := one.best)]
        missed = [run for run in missed if run.is_deleted]
        surplus = [run for one in (records.study_run, *finished) for run in one.surplus]
        surplus += records.rests
        for run in missed:
            with self._store.errors():
                self._store.client.restore_run(run.id)
        for run in surplus:
            with self._store.errors():
                self._store.client.delete_run(run.id)
        return bool(missed or surplus)

    def _mend_study(self, records: Records) -> bool:
        """Ship what waits; write the study's run anew, if anything is wrong with it."""
        run, expected = records.study_run.best, records.study_run.expected
        wrong = run is None or any(faults_of(run, expected))
        reopen = wrong and not (run is not None and _conflicts(run, expected))
        if not (reopen or records.is_unshipped):
            return False
        ship(self._study, self._places, expected.status, reopen=reopen)
        if run is not None and run.ended_at is not None and not records.is_unshipped:
            with self._store.errors():
                self._store.client.set_terminated(run.id, expected.status.value, run.ended_at)
        return True

    def _mend_trials(self, records: Records) -> None:
        mending = RunRepair(self._study, self._store)
        for trial in records.trials:
            if not trial.state.finished or trial.number in records.waiting:
                continue
            runs = records.trial_run(trial)
            if runs.best is None:
                mending.make_anew(trial, runs.expected, records.parent)
            elif conflict(runs.best, runs.expected):
                continue
            elif any(faults_of(runs.best, runs.expected)):
                mending.mend(trial, runs.expected, runs.best)


def _conflicts(run: WholeRun, expected: Expected) -> bool:
    """Whether a run has params of other values, which MLflow lets nobody change."""
    return any(run.params.get(name, value) != value for name, value in expected.params.items())
