"""Backups: copies of a store that may be in use meanwhile."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

from ..artifact_addresses import former_homes, rewrite
from ..errors import FmsearchError
from ..places import Places
from ..sqlite import copy_to


def back_up(places: Places, folder: Path) -> list[str]:
    """Copy what a home has into a new folder, which can be put in its place.

    A result goes from the outbox to MLflow's artifacts, then into MLflow's database, and then it
    leaves the outbox. The parts are copied so that what moves meanwhile is copied twice rather than
    not at all: storage, outbox, MLflow's database, artifacts.

    Returns:
        The names of the copied parts; databases on servers are not among them.

    Raises:
        FmsearchError: The folder exists, a part cannot be read, or the copy cannot be written.
    """
    if folder.exists():
        raise FmsearchError(f"{folder} exists already; name a new folder")
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
        _copy_database(places.storage_file, part / "studies.db")
        for name in ("worker", "outbox", "finals", "data"):
            _copy(places.home / name, part / name)
        _remove_shipped(places.home, part)
        _copy_database(places.runs_file, part / "mlflow.db")
        if (copy := part / "mlflow.db").exists():
            home = Path(os.path.realpath(folder))
            rewrite(copy, [places.artifacts.parent, *former_homes(copy, home)], home)
        _copy(places.artifacts, part / places.artifacts.name)
        part.rename(folder)
    except (OSError, sqlite3.Error) as error:
        raise FmsearchError(f"the backup {folder} is not made: {error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return sorted(path.name for path in folder.iterdir())


def _copy_database(file: Path | None, copy: Path) -> None:
    if file is not None and file.exists():
        copy_to(file, copy)


def _copy(source: Path, copy: Path) -> None:
    """Copy a file or a folder, if it exists; what is removed meanwhile is left out."""
    if source.is_file():
        shutil.copy2(source, copy)
    elif source.is_dir():
        try:
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns(".*"))
        except shutil.Error as error:
            if kept := [reason for path, _, reason in error.args[0] if Path(path).exists()]:
                raise OSError("; ".join(kept)) from error


def _remove_shipped(home: Path, copy: Path) -> None:
    """Remove results that left the outbox while they were copied: the copy may lack files."""
    for entry in (copy / "outbox").glob("*/*"):
        if not (home / entry.relative_to(copy)).exists():
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()
