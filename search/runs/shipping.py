"""Shipping: from a study's outbox to MLflow, in the background."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ...errors import FmsearchError
from ...places import Places
from ...tracking.reachability import TrackingError
from ...tracking.run_record import TAG_DATA, TAG_MODEL, TAG_NOTE, RunRecord, Status
from ...tracking.saved_views import save_view
from ...tracking.shipper import Shipper
from ...tracking.store import Store
from ...tracking.written_run import ConflictError
from ..outbox import DamagedError, entries, entry_name, keep_apart, remove_outbox
from ..storage.stored_study import StoredStudy
from ..trial import State, ranking
from ..whole_folders import discard, remove_half_written, temporary_folder
from .importances import note_importances
from .records import RunRecords
from .study_note import study_note
from .study_view import study_view
from .values import cases_of_study, identity

log = logging.getLogger(__name__)

FIGURES_SECONDS = 60.0
UNSHIPPED = "study"
"""A file in the outbox that says that the study's own run is not as it must be in the end."""


def mark_unshipped(outbox: Path) -> None:
    """Leave the mark, in case what follows is cut off."""
    outbox.mkdir(exist_ok=True)
    (outbox / UNSHIPPED).touch()


def is_unshipped(outbox: Path) -> bool:
    """Whether anything of a study waits to be shipped."""
    return (outbox / UNSHIPPED).exists() or bool(entries(outbox))


class Shipping:
    """Ships the runs of one study; what cannot be shipped now stays in the outbox."""

    def __init__(
        self,
        run_records: RunRecords,
        stored: StoredStudy,
        places: Places,
        keep_models: int | None = None,
    ) -> None:
        """Prepare to ship.

        Args:
            run_records, stored: Of the study.
            places: Of the store.
            keep_models: Models of how many of the best trials stay; None for all.
        """
        self._keep_models = keep_models
        self._run_records = run_records
        self._stored = stored
        self._places = places
        self._outbox = places.outbox(run_records.study.label)
        self._begun_at = time.time_ns() // 1_000_000
        self._store: Store | None = None
        self._parent: str | None = None
        self._shipper: Shipper | None = None
        self._reopen = True
        self._drawn_at, self._drawing_took, self._has_drawn = time.monotonic(), 0.0, False

    def prepare(self) -> None:
        """Load MLflow in the background and, where the store is new, make its tables."""
        self._shipper = Shipper()
        self._shipper.give(self._connect)

    def begin(self, *, reopen: bool = True) -> None:
        """Open the study's run, and ship what an earlier session left.

        Args:
            reopen: Whether the run of a study that had ended is RUNNING again.
        """
        self._reopen = reopen
        self._shipper = self._shipper or Shipper()
        self._shipper.give(self._open)
        for number in entries(self._outbox):
            self.trial(number)

    def trial(self, number: int) -> None:
        """Ship a finished trial, which stands in the outbox."""
        if self._shipper is not None:
            self._shipper.give(lambda: self._ship_trial(number))

    def end(
        self, status: Status, check_interrupted: Callable[[], None] = lambda: None
    ) -> int | None:
        """Ship what is left and end the study's run; its trainers have ended.

        Args:
            status: How it ends.
            check_interrupted: Called now and then; what it raises leaves the rest in the outbox.

        Returns:
            How many trials wait in the outbox; None if nothing waits, the study's own run included.
        """
        mark_unshipped(self._outbox)
        if self._shipper is not None:
            self._shipper.give(lambda: self._end(status))
            self._shipper.close(check_interrupted)
        remove_half_written(self._outbox)
        return len(entries(self._outbox)) if is_unshipped(self._outbox) else None

    def _connect(self) -> Store:
        if self._store is None:
            try:
                self._store = Store(self._places, retry_seconds=0)  # the shipper has it
            except TrackingError as error:
                if self._places.is_server:
                    raise
                raise FmsearchError(str(error)) from error  # an embedded store does not recover
        return self._store

    def _open(self) -> tuple[Store, str]:
        store = self._connect()
        if self._parent is None:
            with self._stored.ownership.shipping_lock():  # of many coordinators one makes the run
                self._parent = self._open_run(store)
                self._stored.attributes.set_run(self._parent)
        return store, self._parent

    def _open_run(self, store: Store) -> str:
        found = store.find(identity(self._run_records.study, "study"))
        # Its tags were written last: with them, all that the study began with is there.
        if found is not None and not self._reopen and TAG_DATA in found.data.tags:
            return str(found.info.run_id)
        save_view(store, study_view(self._run_records.study, self._begun_at))
        with temporary_folder(self._outbox) as folder:
            return store.ship(self._run_records.study_begun(self._begun_at, folder))

    def _ship_trial(self, number: int) -> None:
        store, parent = self._open()
        entry = self._outbox / entry_name(number)
        if entry.exists():
            trial = self._stored.trial(number)
            if trial.is_damaged:
                log.warning("trial %s waits in the outbox: %s", number, trial.reason)
                return
            log.info("shipping trial %s", number)
            try:
                record = self._run_records.trial(trial, entry)
                if self._keep_models is not None and number not in self._kept():
                    record = self._without_model(record)
                store.ship(record, parent)
            except DamagedError as error:
                keep_apart(entry, error.what)
                return
            except ConflictError as error:
                log.warning("trial %s waits in the outbox: %s", number, error)
                return
            discard(entry)
            self._drop_models(store)
            self._refresh_figures(store, parent)

    def _refresh_figures(self, store: Store, parent: str) -> None:
        """Draw the search as it stands, if that is due: each minute, and in 2 % of the time."""
        if self._run_records.space.traits.tries_every_point:
            return  # what they show steers nothing; they are drawn once, at its end
        if time.monotonic() - self._drawn_at < max(FIGURES_SECONDS, self._drawing_took / 0.02):
            return
        begin = time.monotonic()
        with temporary_folder(self._outbox) as folder:
            trials = self._stored.trials()
            cases = cases_of_study(self._run_records.study, trials)
            self._run_records.write(cases, folder, trials, self._stored.study)
            if not any(folder.iterdir()):
                return  # too few trials yet
            note_importances(self._stored)
            store.add_artifacts(parent, folder)
        self._drawn_at = time.monotonic()
        if self._has_drawn:  # the first time libraries are loaded, which no other time needs
            self._drawing_took = self._drawn_at - begin
        self._has_drawn = True

    def _kept(self) -> set[int]:
        """Numbers of the trials whose models stay, where not all do."""
        ranked = ranking(self._stored.trials()) if self._keep_models else []
        return {trial.number for trial in ranked[: self._keep_models]}

    def _without_model(self, record: RunRecord) -> RunRecord:
        if record.model is None:
            return record
        return replace(record, model=None, tags={**record.tags, TAG_MODEL: self._why_dropped})

    @property
    def _why_dropped(self) -> str:
        return f"dropped: not one of the best {self._keep_models} (--keep-models)"

    def _drop_models(self, store: Store) -> None:
        """Drop the models that better trials have pushed out of those that stay."""
        if self._keep_models:
            keep = {str(number) for number in self._kept()}
            with store.errors():
                which = identity(self._run_records.study, "trial")
                store.models.drop(which, keep, self._why_dropped)

    def _end(self, status: Status) -> None:
        store, parent = self._open()
        log.info("shipping the study's run")
        self._drop_models(store)  # of which a kill may have cut off the last
        with temporary_folder(self._outbox) as folder:
            trials = self._stored.trials()
            if any(trial.state is State.RUNNING for trial in trials):
                status = Status.RUNNING  # somewhere else
            now = time.time_ns() // 1_000_000
            record = self._run_records.study_ended(
                trials, status, now, folder, optuna_study=self._stored.study
            )
            shares = self._stored.attributes.importances()
            note = study_note(
                self._run_records, store, parent, trials, importances=shares, artifacts=folder
            )
            store.ship(replace(record, tags={**record.tags, TAG_NOTE: note}))
        if entries(self._outbox):
            return
        if status is Status.FINISHED and not any(one.state is State.PAUSED for one in trials):
            remove_outbox(self._outbox)
        else:  # checkpoints stay, from which interrupted and paused trainings go on
            (self._outbox / UNSHIPPED).unlink()
