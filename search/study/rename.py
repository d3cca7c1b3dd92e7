"""Renaming a study: at once in the storage, then in MLflow and on disk, where its id finds it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from ...errors import FmsearchError
from ...locks import hold
from ...places import Places
from ...tracking.reachability import check_reachable
from ...tracking.saved_views import save_view
from ...tracking.store import Store
from ..runs.study_view import study_view
from ..storage.storage import open_storage
from ..storage.stored_study import StoredStudy
from ..storage.study_config import StudyConfig


def rename_study(places: Places, name: str, new: str) -> None:
    """Give a study another name.

    The storage changes in one transaction. What follows can be cut off: whatever next uses the
    study finds its runs and folders by its id, and completes the renaming.

    Raises:
        FmsearchError: There is no such study, it is being run or registered, the other name is
            taken, or the store cannot be reached.
    """
    storage = open_storage(places.storage, places.worker())
    study = storage.study(name)
    if not study.config.id:
        raise FmsearchError(
            f"the study {name!r} was begun by an early version of fmsearch, whose runs are found "
            "by the name alone; it cannot have another one"
        )
    if name == new:
        raise FmsearchError(f"the study is called {name!r} already")
    check_reachable(places)
    with ExitStack() as locks:
        for one in (name, f"{name}.register", new):
            locks.enter_context(hold(places.lock(one), f"the study {name!r}"))
        study.check_run_nowhere_else()
        complete_rename(study, places)  # of an earlier one
        complete_rename(storage.rename(name, new), places)


def is_renamed_in_part(study: StoredStudy, places: Places) -> bool:
    """Whether MLflow or a folder has a study under an earlier name."""
    return bool(study.attributes.former_name()) or any(_folders(places, study.config))


def complete_rename(study: StoredStudy, places: Places, *, offline: bool = False) -> None:
    """Let MLflow and folders have the study under its name; the caller holds its lock.

    Args:
        study, places: Of the store.
        offline: Whether MLflow's part is left to another time.

    Raises:
        FmsearchError: A folder cannot be renamed, or the store cannot be reached.
    """
    for folder, name in _folders(places, study.config):
        try:
            folder.rename(name)
        except OSError as error:
            raise FmsearchError(f"cannot rename {folder} to {name}: {error.strerror}") from error
    if offline or not study.attributes.former_name():
        return
    if places.has_runs:
        from ...tracking.renamed_runs import rename_runs  # loads MLflow

        store = Store(places)
        rename_runs(store, study.config.id, study.config.name)
        save_view(store, study_view(study.config, time.time_ns() // 1_000_000))
    study.attributes.forget_former_name()


def _folders(places: Places, config: StudyConfig) -> Iterator[tuple[Path, Path]]:
    """The study's outbox and final trainings with an earlier name, and what they are to be called.

    On a server's storage each host has its own, which the renaming on another one did not see.
    """
    if not config.id:
        return
    for folder in (places.outbox(""), places.home / "finals"):
        for path in sorted(folder.glob(f"*-{config.id}*")):
            rest = path.name.partition(f"-{config.id}")[2]
            if not path.name.startswith(config.label):
                yield path, path.with_name(f"{config.label}{rest}")
