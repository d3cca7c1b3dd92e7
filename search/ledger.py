"""The ledger: the durable record of studies, in one Optuna storage."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import asdict, replace

from ..errors import FmsearchError
from .claims import Claims
from .space import Space
from .space_file import read_space
from .storage import LedgerStorage
from .study_ledger import StudyLedger
from .study_record import StudyRecord

RECORD = "fmsearch.study"


class Ledger:
    """All studies of one Optuna storage."""

    def __init__(self, url: str, worker: str = "") -> None:
        """Open a storage, creating it if need be.

        Args:
            url: As `LedgerStorage` takes it.
            worker: Name of the folder for which a coordinator opens it; empty for readers.

        Raises:
            FmsearchError: The storage cannot be opened.
        """
        self._storage = LedgerStorage(url)
        self._optuna = self._storage.optuna
        self._worker = worker

    def records(self) -> Iterator[StudyRecord]:
        """All studies, in the order of their creation."""
        for study in self._optuna.get_all_studies():
            if RECORD in study.user_attrs:
                yield StudyRecord.of(study.study_name, study.user_attrs[RECORD])

    def studies(self) -> Iterator[StudyLedger]:
        """All studies, in the order of their creation."""
        return map(self._ledger, self.records())

    def study(self, name: str) -> StudyLedger:
        """An existing study.

        Raises:
            FmsearchError: There is none of that name.
        """
        known = {record.name: record for record in self.records()}
        if name not in known:
            there = f"there are: {', '.join(known)}" if known else "there is none yet"
            raise FmsearchError(f"no study {name!r}; {there}")
        return self._ledger(known[name])

    def delete(self, name: str) -> None:
        """Delete a study with all its trials."""
        self._optuna.delete_study(self._optuna.get_study_id_from_name(name))

    def open_study(self, record: StudyRecord) -> StudyLedger:
        """The study of that name, created if it is new.

        Raises:
            FmsearchError: The name belongs to a study of other things.
        """
        with self._storage.alone(f"name {record.name}"):  # made by the first of many
            return self._ledger(self._recorded(record))

    def join(self, record: StudyRecord) -> StudyLedger:
        """The study of that record, which is left as it is.

        Raises:
            FmsearchError: It was deleted meanwhile, or begun anew.
        """
        found = self.study(record.name)
        if found.record.id != record.id:
            raise FmsearchError(
                f"the study {record.name!r} has just been begun anew; run the same command again"
            )
        return found

    def _ledger(self, record: StudyRecord) -> StudyLedger:
        study_id = self._optuna.get_study_id_from_name(record.name)
        claims = Claims(self._storage, study_id, self._worker, record.heartbeat)
        return StudyLedger(self._storage, study_id, record, claims)

    def _recorded(self, record: StudyRecord) -> StudyRecord:
        known = {found.name: found for found in self.records()}.get(record.name)
        if known is not None and (differing := record.differences(known)):
            raise FmsearchError(
                f"the study {record.name!r} exists with another {', '.join(differing)}; "
                "give this one a --name of its own"
            )
        if known is not None:
            if known.lag and record.lag > known.lag:
                raise FmsearchError(
                    f"the study {record.name!r} was begun with --reproducible and {known.lag} "
                    f"trainers, which its results depend on; go on with --jobs {known.lag} or fewer"
                )
            record = replace(record, id=known.id, lag=known.lag, heartbeat=known.heartbeat)
            study_id = self._optuna.get_study_id_from_name(record.name)
        else:
            record = replace(record, id=uuid.uuid4().hex[:12])
            study_id = self._make(record.name, read_space(record.space, record.name))
        self._optuna.set_study_user_attr(study_id, RECORD, asdict(record))
        return record

    def _make(self, name: str, space: Space) -> int:
        from optuna.exceptions import DuplicatedStudyError
        from optuna.study import StudyDirection

        try:
            directions = [StudyDirection[way.upper()] for way in space.objectives.values()]
            return self._optuna.create_new_study(directions, name)
        except DuplicatedStudyError:  # by another program, or by a call that was cut off
            study_id = self._optuna.get_study_id_from_name(name)
            if self._optuna.get_n_trials(study_id):
                raise FmsearchError(
                    f"the ledger has a study {name!r} that fmsearch did not make; choose a --name"
                ) from None
            return study_id
