"""The process in which Keras Tuner enumerates a grid; it ends with that.

Keras Tuner loads TensorFlow: 4 s of CPU and 0.6 GB, which the coordinator does without. The process
is forked from one that has loaded it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection

from ...errors import FmsearchError
from ...models.settings import Value
from ..processes.fork_server import MOST_STARTS, START_PAUSE, receive, start_process

Choices = Mapping[str, Sequence[Value]]


def enumerate_apart(choices: Choices) -> list[dict[str, Value]]:
    """All points of a grid, in the order in which Keras Tuner hands them out.

    Raises:
        FmsearchError: The process died again and again, or TensorFlow cannot be loaded.
    """
    for _ in range(MOST_STARTS):
        with contextlib.suppress(EOFError, OSError):  # it died
            return _ask(choices)
        time.sleep(START_PAUSE)
    raise FmsearchError(
        f"the process of Keras Tuner died {MOST_STARTS} times at its start; "
        "its own messages are above. The same command goes on"
    )


def _ask(choices: Choices) -> list[dict[str, Value]]:
    process, connection = start_process(_answer, choices)
    with connection:
        try:
            points: list[dict[str, Value]] = receive(connection)
        finally:
            process.kill()  # it has nothing more to say
            process.join()
    return points


def _answer(theirs: Connection, choices: Choices) -> None:
    from .grid_oracle import enumerate_points  # loads Keras Tuner

    theirs.send(enumerate_points(choices))
