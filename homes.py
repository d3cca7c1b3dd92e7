"""Homes: where a command, or a notebook, finds the store if it is not told."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from .places import working_folder

DEFAULT_HOME = Path("mlruns")
IN_A_HOME = ("studies.db", "mlflow.db", "worker")
"""Files of which each home has one at least."""


def home_above() -> Path | None:
    """The home in the working folder, else in the nearest folder above that has one.

    Raises:
        FmsearchError: The working folder is gone.
    """
    here = working_folder()
    for folder in (here, *here.parents):
        home = folder / DEFAULT_HOME
        with suppress(OSError):  # a folder that may not be read
            if any((home / name).exists() for name in IN_A_HOME):
                return home
    return None
