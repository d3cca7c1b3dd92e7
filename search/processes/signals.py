"""Ctrl-C and SIGTERM, which take effect where nothing is half done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
LEAVE_SECONDS = 8
"""Time to end after a SIGTERM; container engines kill 10 s after it."""


def is_main_thread() -> bool:
    """Whether this thread may say what is done at signals; only a process's first one may."""
    return threading.current_thread() is threading.main_thread()


class Interruption:
    """A context in which a first signal waits for `check`, and a second one interrupts at once.

    A KeyboardInterrupt during a transaction would make the database's driver print a traceback, so
    that the first one is raised between two steps.

    `LEAVE_SECONDS` after a SIGTERM an alarm is the second signal. Results that still wait for a
    server stay in the outbox then, and other workers take the trials that could not be given back.

    In another thread than the first one signals are left to that.
    """

    def __init__(self, check_more: Callable[[], None] = lambda: None) -> None:
        """Make it; what `check_more` raises is raised by `check`, too."""
        self._asked = False
        self._check_more = check_more

    def __enter__(self) -> Interruption:
        heard = SIGNALS if is_main_thread() else ()
        self._before = {number: signal.signal(number, self._hear) for number in heard}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._before:
            signal.alarm(0)
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Stop here, if a signal has come.

        Raises:
            KeyboardInterrupt: One has.
        """
        if self._asked:
            self._asked = False
            raise KeyboardInterrupt
        self._check_more()

    def _hear(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002  # as signal's
        if self._asked or number == signal.SIGALRM:
            raise KeyboardInterrupt
        self._asked = True
        if number == signal.SIGTERM:
            signal.alarm(LEAVE_SECONDS)
