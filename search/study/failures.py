"""Failures of a session: which are results of a search, which are the machine's, and which stop it.

What a training raises or computes is its trial's. A training whose trainers died may have asked for
too much, or the machine may be unable to train anything; the next training shows which. So its
trials count as failed when another one has ended by itself, and until then as running.
"""

from __future__ import annotations

from ...errors import FmsearchError
from ..trainers.messages import JobEnd, JobFailed

MOST_FAILURES = 5
"""Failed trainings in a row that stop a study."""


class Failures:
    """Counts the failed trainings of one session.

    Attributes:
        deaths: How many trainings in a row ended because their trainers died.
    """

    def __init__(self) -> None:
        self.deaths = 0
        self._in_a_row = 0
        self._error = ""
        self._machine_trains = False

    def count(self, end: JobEnd) -> str:
        """Count how a training ended; gives its error, if any."""
        self._error = end.error if isinstance(end, JobFailed) else ""
        self._in_a_row = self._in_a_row + 1 if self._error else 0
        if isinstance(end, JobFailed) and end.died:
            self.deaths += 1
        else:
            self.deaths, self._machine_trains = 0, True
        return self._error

    def check(self) -> None:
        """See that the study may go on.

        Raises:
            FmsearchError: Too many trainings in a row have failed.
        """
        if self.deaths >= MOST_FAILURES:
            self._blame_the_machine()
        if self._in_a_row >= MOST_FAILURES:
            raise FmsearchError(
                f"{MOST_FAILURES} trainings in a row failed, the last one: {self._error}"
            )

    def check_last(self) -> None:
        """See that trials whose trainers died have failed, where no other training is left.

        Raises:
            FmsearchError: No training of this session has ended by itself.
        """
        if not self._machine_trains:
            self._blame_the_machine()

    def _blame_the_machine(self) -> None:
        raise FmsearchError(
            f"this machine seems unable to train ({self._error}; trainings in a row that ended so: "
            f"{self.deaths}); no trial counts as failed for that. Where memory is short, more of "
            "it or fewer --jobs help; the same command goes on"
        )
