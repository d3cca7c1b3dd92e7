"""The faults of a data set, which are collected and reported together."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ...errors import FmsearchError
from ...text import one_line

MOST_FAULTS = 20
"""A screenful: of more, the first ones are listed."""


class DataFaultsError(FmsearchError):
    """A data set has faults.

    Attributes:
        source: Which one.
        faults: A line each, all of them.
    """

    def __init__(self, source: str, faults: Sequence[str]) -> None:
        self.source, self.faults = source, tuple(map(one_line, faults))
        count = f"{len(faults):,} faults: " if len(faults) > 1 else ""
        super().__init__(f"{source}: {count}" + "; ".join(self.listed))

    @property
    def listed(self) -> tuple[str, ...]:
        """The first faults, and how many there are more."""
        more = len(self.faults) - MOST_FAULTS
        return (*self.faults[:MOST_FAULTS], *([f"and {more:,} more"] if more > 0 else []))


def raise_if_any(source: str, faults: Sequence[str]) -> None:
    """Report faults, if there are any.

    Raises:
        DataFaultsError: There are.
    """
    if faults:
        raise DataFaultsError(source, faults)


def shown_path(path: str) -> str:
    """A path as text, whatever bytes it has."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
