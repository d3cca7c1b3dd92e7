"""The shipper: a thread that brings finished things to MLflow while training goes on."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable

from .reachability import TrackingError

log = logging.getLogger(__name__)

Parcel = Callable[[], object]
"""Brings one thing to the store; raises `TrackingError` if it has to be tried again."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
LAST_TRIES_SECONDS = 5.0
"""Of a parcel, once the shipper is to close: a cut line may be mended, a server away stays away."""
CHECK_SECONDS = 0.2


class Shipper:
    """Delivers parcels one after another, in the order in which they were given.

    While the store does not answer, the first parcel is tried again after pauses that double;
    nothing is lost, as every parcel stands on disk until it has been delivered.
    """

    def __init__(self) -> None:
        self._parcels: queue.Queue[Parcel | None] = queue.Queue()
        self._closing = threading.Event()
        self._bug: BaseException | None = None
        self.unshipped: list[TrackingError] = []
        self._thread = threading.Thread(target=self._run, name="shipper", daemon=True)
        self._thread.start()

    def give(self, parcel: Parcel) -> None:
        """Deliver a parcel soon.

        Raises:
            Exception: What an earlier parcel raised, if it was not a `TrackingError`.
        """
        self._raise_bug()
        self._parcels.put(parcel)

    def close(self, check_interrupted: Callable[[], None] = lambda: None) -> None:
        """Deliver what is left and stop; if the store goes on failing, the rest is `undelivered`.

        Args:
            check_interrupted: Called now and then; what it raises ends the waiting.
        """
        self._closing.set()
        self._parcels.put(None)
        while self._thread.is_alive():
            check_interrupted()
            self._thread.join(CHECK_SECONDS)
        self._raise_bug()

    def _raise_bug(self) -> None:
        if self._bug is not None:
            raise self._bug

    def _run(self) -> None:
        try:
            while (parcel := self._parcels.get()) is not None:
                self._ship(parcel)
        except BaseException as error:  # raised again where it can be seen, in `give` or `close`
            self._bug = error

    def _ship(self, parcel: Parcel) -> None:
        if self.unshipped:  # the store goes on failing
            self.unshipped.append(self.unshipped[0])
            return
        pause, last_tries_since = FIRST_PAUSE, 0.0
        while True:
            if self._closing.is_set():
                last_tries_since = last_tries_since or time.monotonic()
            try:
                parcel()
                return
            except TrackingError as error:
                log.warning("%s", error)
                if last_tries_since and time.monotonic() - last_tries_since > LAST_TRIES_SECONDS:
                    self.unshipped.append(error)
                    return
            if last_tries_since:
                time.sleep(FIRST_PAUSE)
            else:
                self._closing.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
