"""The storage: all studies, in one of Optuna's databases."""

from __future__ import annotations

import json
import uuid
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ...errors import FmsearchError
from ..space.space import Space
from .attributes import RENAMED
from .database import Database, open_database
from .ownership import Ownership
from .stored_study import StoredStudy
from .study_config import StudyConfig

if TYPE_CHECKING:
    from sqlalchemy import Connection

CONFIG_KEY = "fmsearch.study"


def open_storage(url: str, worker: str = "") -> Storage:
    """Open a storage, which is created if it is missing.

    Args:
        url: As in `open_database`.
        worker: Name of the coordinator's home (`Places.worker`); empty for readers.

    Raises:
        FmsearchError: The storage cannot be opened.
    """
    return Storage(open_database(url), worker)


class Storage:
    """All studies of one database."""

    def __init__(self, database: Database, worker: str) -> None:
        self._database = database
        self._optuna = database.optuna
        self._worker = worker

    def names(self) -> list[str]:
        """Names of all studies, in the order of their creation."""
        known = self._database.backend.study_attributes()
        return [name for name, attributes in known.items() if CONFIG_KEY in attributes]

    def studies(self) -> Iterator[StoredStudy]:
        """All studies, in the order of their creation."""
        return map(self.study, self.names())

    def study(self, name: str) -> StoredStudy:
        """An existing study.

        Raises:
            FmsearchError: There is none of that name.
        """
        if (config := self.config(name)) is None:
            known = self.names()
            there = f"there are: {', '.join(known)}" if known else "there is none yet"
            raise FmsearchError(f"no study {name!r}; {there}")
        return self._stored(config)

    def delete(self, name: str) -> None:
        """Delete a study with all its trials."""
        self._optuna.delete_study(self._optuna.get_study_id_from_name(name))

    def rename(self, name: str, new: str) -> StoredStudy:
        """Give a study another name, all at once; only MLflow and folders have the former one then.

        Raises:
            FmsearchError: There is no such study, or the other name is taken.
        """
        from .changes import is_taken, rename

        self.study(name)
        study_id = self._optuna.get_study_id_from_name(name)
        known = self._database.backend.study_attributes(name)[name]
        written = {**json.loads(known[CONFIG_KEY]), "name": new}

        def change(connection: Connection) -> bool:
            if is_taken(connection, new):
                return False
            rename(connection, study_id, new, {CONFIG_KEY: written, RENAMED: name})
            return True

        with self._database.alone(f"name {new}"):  # nobody creates it meanwhile
            if not self._database.backend.change(change):
                raise FmsearchError(f"there is a study {new!r} already; choose another name")
        return self.study(new)

    def let_wait(self, name: str, numbers: Sequence[int]) -> None:
        """Let failed trials of a study wait, under their numbers.

        Whoever has read them as failed goes on to do so: open the storage anew.
        """
        from .changes import let_wait

        study_id = self._optuna.get_study_id_from_name(name)
        with self.study(name).ownership.alone():
            self._database.backend.change(lambda one: let_wait(one, study_id, numbers))

    def open_study(self, config: StudyConfig) -> StoredStudy:
        """The study of that name, which is created if it is new.

        Raises:
            FmsearchError: There is a study of that name with another config.
        """
        with self._database.alone(f"name {config.name}"):  # one worker creates it
            return self._stored(self._recorded(config))

    def join(self, config: StudyConfig) -> StoredStudy:
        """The study of that config, which is not changed.

        Raises:
            FmsearchError: It was deleted meanwhile, or begun anew.
        """
        found = self.study(config.name)
        if found.config.id != config.id:
            raise FmsearchError(
                f"the study {config.name!r} has just been begun anew; run the same command again"
            )
        return found

    def config(self, name: str) -> StudyConfig | None:
        """The config of a study; None if there is none of that name.

        Raises:
            FmsearchError: It is damaged, or of another version of fmsearch.
        """
        known = self._database.backend.study_attributes(name).get(name, {})
        if CONFIG_KEY not in known:
            return None
        try:
            return StudyConfig.of(name, json.loads(known[CONFIG_KEY]))
        except ValueError as error:
            raise FmsearchError(
                f"the record of the study {name!r} is damaged ({error}); put a backup of the "
                "storage in its place, or delete that study with Optuna"
            ) from error

    def _stored(self, config: StudyConfig) -> StoredStudy:
        study_id = self._optuna.get_study_id_from_name(config.name)
        ownership = Ownership(self._database, study_id, self._worker, config.heartbeat)
        return StoredStudy(self._database, study_id, config, ownership)

    def _recorded(self, config: StudyConfig) -> StudyConfig:
        known = self.config(config.name)
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
            study_id = self._make(config.name, config.space)
        self._optuna.set_study_user_attr(study_id, CONFIG_KEY, config.to_store())
        self._name_metrics(config)
        return config

    def _name_metrics(self, config: StudyConfig) -> None:
        """Let Optuna's own tools know what the values of trials are."""
        import optuna
        from optuna.exceptions import ExperimentalWarning

        study = optuna.load_study(study_name=config.name, storage=self._optuna)
        names = list(config.space.objectives)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            if study.metric_names != names:
                study.set_metric_names(names)

    def _make(self, name: str, space: Space) -> int:
        from optuna.exceptions import DuplicatedStudyError
        from optuna.study import StudyDirection

        try:
            directions = [StudyDirection[way.upper()] for way in space.objectives.values()]
            return self._optuna.create_new_study(directions, name)
        except DuplicatedStudyError:  # by another program or an interrupted call
            study_id = self._optuna.get_study_id_from_name(name)
            if self._optuna.get_n_trials(study_id):
                raise FmsearchError(
                    f"the storage has a study {name!r} that fmsearch did not make; choose a --name"
                ) from None
            return study_id
