"""The shipper: a thread that brings finished things to MLflow while training goes on."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable

from .reachability import TrackingError

log = logging.getLogger(__name__)

Step = Callable[[], object]
"""Brings one thing to the store; raises `TrackingError` if it has to be tried again."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
LAST_TRIES_SECONDS = 5.0
"""For a step, once the shipper is to close: a cut connection may come back in that time."""
CHECK_SECONDS = 0.2


class Shipper:
    """Carries out steps one after another, in the order in which they were given.

    While the store does not answer, the first step is tried again after pauses that double;
    nothing is lost, as every step stands on disk until it has been carried out.
    """

    def __init__(self) -> None:
        self._steps: queue.Queue[Step | None] = queue.Queue()
        self._closing = threading.Event()
        self._bug: BaseException | None = None
        self.unshipped: list[TrackingError] = []
        self._thread = threading.Thread(target=self._run, name="shipper", daemon=True)
        self._thread.start()

    def give(self, step: Step) -> None:
        """Carry a step out soon.

        Raises:
            Exception: What an earlier step raised, if it was not a `TrackingError`.
        """
        self._raise_bug()
        self._steps.put(step)

    def close(self, check_interrupted: Callable[[], None] = lambda: None) -> None:
        """Carry out what is left and stop; if the store goes on failing, the rest is `unshipped`.

        Args:
            check_interrupted: Called now and then; what it raises ends the waiting.
        """
        self._closing.set()
        self._steps.put(None)
        while self._thread.is_alive():
            check_interrupted()
            self._thread.join(CHECK_SECONDS)
        self._raise_bug()

    def _raise_bug(self) -> None:
        if self._bug is not None:
            raise self._bug

    def _run(self) -> None:
        try:
            while (step := self._steps.get()) is not None:
                self._ship(step)
        except BaseException as error:  # raised again where it can be seen, in `give` or `close`
            self._bug = error

    def _ship(self, step: Step) -> None:
        if self.unshipped:  # the store goes on failing
            self.unshipped.append(self.unshipped[0])
            return
        pause, last_tries_since = FIRST_PAUSE, 0.0
        while True:
            if self._closing.is_set():
                last_tries_since = last_tries_since or time.monotonic()
            try:
                step()
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
