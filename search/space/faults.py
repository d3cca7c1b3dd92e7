"""The faults of a file, which are collected and reported together."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from ...errors import FmsearchError
from ...text import printable

MOST_FAULTS = 50
MOST_CHARACTERS = 400


class Faults:
    """The faults of one document, each as `key: what is wrong`."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._found: list[str] = []

    def __len__(self) -> int:
        return len(self._found)

    def add(self, key: str, what: str) -> None:
        """Add a fault of the value of a key."""
        self._found.append(f"{_readable(key)}: {_readable(what)}")

    def unknown_keys(self, where: str, mapping: Mapping[Any, Any], known: tuple[str, ...]) -> None:
        """Add a fault for each unknown key of a mapping, with the nearest known key as a hint."""
        for key in mapping:
            if key not in known:
                near = difflib.get_close_matches(str(key), known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(known)}"
                self.add(f"{where}{key}", f"unknown key; {hint}")

    def raise_if_any(self) -> None:
        """Report the faults, if there are any.

        Raises:
            FmsearchError: There are faults; it lists the first `MOST_FAULTS`.
        """
        if self._found:
            more = len(self._found) - MOST_FAULTS
            told = self._found[:MOST_FAULTS] + ([f"and {more:,} faults more"] if more > 0 else [])
            raise FmsearchError(f"{self._source}: " + "; ".join(told))


def _readable(text: str) -> str:
    """One printable line. A long text is cut in the middle: its end has the rule that is broken."""
    half = MOST_CHARACTERS // 2
    if len(text) > MOST_CHARACTERS:
        text = f"{text[:half]} … {text[-half:]}"
    return printable(text).replace("\n", "\\n")
