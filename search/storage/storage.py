"""The storage: the durable record of studies, in one Optuna storage."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import asdict, replace

from ...errors import FmsearchError
from ..space.load import read_space
from ..space.space import Space
from .database import Database
from .ownership import Ownership
from .stored_study import StoredStudy
from .study_config import StudyConfig

RECORD = "fmsearch.study"


class Storage:
    """All studies of one Optuna storage."""

    def __init__(self, url: str, worker: str = "") -> None:
        """Open a storage, creating it if need be.

        Args:
            url: As `Database` takes it.
            worker: Name of the folder for which a coordinator opens it; empty for readers.

        Raises:
            FmsearchError: The storage cannot be opened.
        """
        self._storage = Database(url)
        self._optuna = self._storage.optuna
        self._worker = worker

    def configs(self) -> Iterator[StudyConfig]:
        """All studies, in the order of their creation."""
        for study in self._optuna.get_all_studies():
            if RECORD in study.user_attrs:
                yield StudyConfig.of(study.study_name, study.user_attrs[RECORD])

    def studies(self) -> Iterator[StoredStudy]:
        """All studies, in the order of their creation."""
        return map(self._stored, self.configs())

    def study(self, name: str) -> StoredStudy:
        """An existing study.

        Raises:
            FmsearchError: There is none of that name.
        """
        known = {config.name: config for config in self.configs()}
        if name not in known:
            there = f"there are: {', '.join(known)}" if known else "there is none yet"
            raise FmsearchError(f"no study {name!r}; {there}")
        return self._stored(known[name])

    def delete(self, name: str) -> None:
        """Delete a study with all its trials."""
        self._optuna.delete_study(self._optuna.get_study_id_from_name(name))

    def open_study(self, config: StudyConfig) -> StoredStudy:
        """The study of that name, created if it is new.

        Raises:
            FmsearchError: The name belongs to a study of other things.
        """
        with self._storage.alone(f"name {config.name}"):  # made by the first of many
            return self._stored(self._recorded(config))

    def join(self, config: StudyConfig) -> StoredStudy:
        """The study of that record, which is left as it is.

        Raises:
            FmsearchError: It was deleted meanwhile, or begun anew.
        """
        found = self.study(config.name)
        if found.config.id != config.id:
            raise FmsearchError(
                f"the study {config.name!r} has just been begun anew; run the same command again"
            )
        return found

    def _stored(self, config: StudyConfig) -> StoredStudy:
        study_id = self._optuna.get_study_id_from_name(config.name)
        ownership = Ownership(self._storage, study_id, self._worker, config.heartbeat)
        return StoredStudy(self._storage, study_id, config, ownership)

    def _recorded(self, config: StudyConfig) -> StudyConfig:
        known = {found.name: found for found in self.configs()}.get(config.name)
        if known is not None and (differing := config.differences(known)):
            raise FmsearchError(
                f"the study {config.name!r} exists with another {', '.join(differing)}; "
                "give this one a --name of its own"
            )
        if known is not None:
            if known.lag and config.lag > known.lag:
                raise FmsearchError(
                    f"the study {config.name!r} was begun with --reproducible and {known.lag} "
                    f"trainers, which its results depend on; go on with --jobs {known.lag} or fewer"
                )
            config = replace(config, id=known.id, lag=known.lag, heartbeat=known.heartbeat)
            study_id = self._optuna.get_study_id_from_name(config.name)
        else:
            config = replace(config, id=uuid.uuid4().hex[:12])
            study_id = self._make(config.name, read_space(config.space, config.name))
        self._optuna.set_study_user_attr(study_id, RECORD, asdict(config))
        return config

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
                    f"the storage has a study {name!r} that fmsearch did not make; choose a --name"
                ) from None
            return study_id
