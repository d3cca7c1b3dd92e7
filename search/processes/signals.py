"""Interruption: Ctrl-C and SIGTERM, which act where nothing is half done."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
LEAVE_SECONDS = 8
"""After a SIGTERM: engines of containers send it, and kill 10 s later."""


class Interruption:
    """A context in which the first signal waits for `check`, and a second one acts at once.

    `LEAVE_SECONDS` after a SIGTERM an alarm is that second one: what then still waits for a server
    that does not answer stays in the outbox, and others take up what could not be given back.

    A KeyboardInterrupt in the middle of a database's transaction leaves its driver to clean up,
    with a traceback of its own; so it is raised between two steps instead.
    """

    def __init__(self) -> None:
        self._asked = False

    def __enter__(self) -> Interruption:
        self._before = {number: signal.signal(number, self._hear) for number in SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        signal.alarm(0)
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Stop here, if that was asked for.

        Raises:
            KeyboardInterrupt: It was.
        """
        if self._asked:
            self._asked = False
            raise KeyboardInterrupt

    def _hear(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002  # as signal's
        if self._asked or number == signal.SIGALRM:
            raise KeyboardInterrupt
        self._asked = True
        if number == signal.SIGTERM:
            signal.alarm(LEAVE_SECONDS)
