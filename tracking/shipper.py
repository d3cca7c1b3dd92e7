"""The shipper: a thread that writes to MLflow while training goes on."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable

from .reachability import TrackingError

log = logging.getLogger(__name__)

Step = Callable[[], object]
"""Ships one thing to the store; raises `TrackingError` if it has to be tried again."""

FIRST_PAUSE, LONGEST_PAUSE, LONGEST_LAST_PAUSE = 0.2, 30.0, 1.0
LAST_TRIES_SECONDS = 5.0
"""How long a step is tried while the shipper closes: a connection may come back in that time."""
FLAKY_SECONDS = 20.0
"""How long instead, where the store has taken an earlier step meanwhile: it will again."""
CHECK_SECONDS = 0.2


class Shipper:
    """Carries out steps one after another, in the order in which they were given.

    While the store does not answer, the current step is tried again after pauses that double.
    Nothing is lost, because the results stay on disk until they are shipped.
    """

    def __init__(self) -> None:
        self._steps: queue.Queue[Step | None] = queue.Queue()
        self._closing = threading.Event()
        self._bug: BaseException | None = None
        self._took_a_last_step = False
        self.unshipped: list[TrackingError] = []
        self._thread = threading.Thread(target=self._run, name="shipper", daemon=True)
        self._thread.start()

    def give(self, step: Step) -> None:
        """Add a step.

        Raises:
            BaseException: What an earlier step raised, if it was not a `TrackingError`.
        """
        self._raise_bug()
        self._steps.put(step)

    def close(self, check_interrupted: Callable[[], None] = lambda: None) -> None:
        """Carry out the remaining steps and stop; `unshipped` gets an error for each that fails.

        Args:
            check_interrupted: Called every `CHECK_SECONDS`; what it raises ends the waiting.

        Raises:
            BaseException: As `give`.
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
        except BaseException as error:  # raised again in the other thread
            self._bug = error

    def _ship(self, step: Step) -> None:
        if self.unshipped:  # an earlier step was given up
            self.unshipped.append(self.unshipped[0])
            return
        pause, last_tries_since = FIRST_PAUSE, 0.0
        longest = FLAKY_SECONDS if self._took_a_last_step else LAST_TRIES_SECONDS
        while True:
            if self._closing.is_set():
                last_tries_since = last_tries_since or time.monotonic()
            try:
                step()
                self._took_a_last_step = self._closing.is_set()
                return
            except TrackingError as error:
                log.warning("%s", error)
                if last_tries_since and time.monotonic() - last_tries_since > longest:
                    self.unshipped.append(error)
                    return
            if last_tries_since:
                time.sleep(min(pause, LONGEST_LAST_PAUSE))
            else:
                self._closing.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
