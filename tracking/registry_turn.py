"""Turns at a registered model: one process at a time looks at its aliases and moves them."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from ..locks import turn
from ..places import Places
from .reachability import TrackingError
from .store import Store

TAG_TURN = "fmsearch.turn"
"""With a dot and a drawn name behind it: a tag of a registered model whose turn it is."""
STALE_SECONDS = 60.0
"""A tag that stands unchanged for so long is of a process that has died: a turn takes a second."""


@contextmanager
def registry_turn(
    store: Store, places: Places, name: str, *, stale_seconds: float = STALE_SECONDS
) -> Iterator[None]:
    """Have a registered model's aliases for oneself.

    Beside MLflow's SQLite file a lock file does this. A server has no lock and no compare-and-set:
    each process sets a tag of its own, and has its turn if it then finds no other
    one; else it takes its tag back and tries again after a random time. Two that set theirs at the
    same time both see the other's, so that never two have their turn, unless one of them stands
    still for `stale_seconds` in the middle of it.

    Args:
        store, places: Of the registry.
        name: Of a registered model that exists.

    Raises:
        TrackingError: The store did not answer, or another process does not end its turn.
    """
    if places.runs_file is not None:
        with turn(places.runs_file.parent / "locks" / ".registry.lock"):
            yield
        return
    mine = f"{TAG_TURN}.{uuid.uuid4().hex}"
    _take(store, name, mine, stale_seconds)
    try:
        yield
    finally:
        store.again(lambda: store.client.delete_registered_model_tag(name, mine))


def _take(store: Store, name: str, mine: str, stale_seconds: float) -> None:
    client, seen = store.client, dict[str, float]()
    deadline = time.monotonic() + 3 * stale_seconds

    def drop(tag: str) -> None:
        store.again(lambda: client.delete_registered_model_tag(name, tag))

    while True:
        others = store.again(lambda: _set(store, name, mine))
        if not others:
            return
        drop(mine)
        seen = {tag: seen.get(tag, time.monotonic()) for tag in others}
        for tag, since in seen.items():
            if time.monotonic() - since > stale_seconds:
                drop(tag)
        if time.monotonic() > deadline:
            raise TrackingError(f"another process is moving aliases of {name!r}; try again")
        time.sleep(random.uniform(0.05, 0.5))


def _set(store: Store, name: str, mine: str) -> set[str]:
    """Set a tag, and find those of others."""
    store.client.set_registered_model_tag(name, mine, "1")
    tags = store.client.get_registered_model(name).tags
    return {tag for tag in tags if tag.startswith(f"{TAG_TURN}.") and tag != mine}
