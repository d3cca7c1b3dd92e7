"""When a training has failed, and when a study must stop."""

import pytest

from fmsearch.errors import FmsearchError
from fmsearch.search.trainers.failures import Failures
from fmsearch.search.trial import State, Trial

TRIALS = (Trial(0, {}, State.RUNNING), Trial(1, {}, State.RUNNING))
OTHERS = (Trial(2, {}, State.RUNNING),)


def test_three_deaths_without_a_new_epoch_are_too_many() -> None:
    failures = Failures()
    assert [failures.died(TRIALS) for _ in range(3)] == [False, False, True]


def test_an_epoch_that_was_reached_before_is_no_progress() -> None:
    failures = Failures()
    for expected in (False, False, True):
        failures.advanced(TRIALS, (1, 1))
        failures.advanced(TRIALS, (1, 2))
        assert failures.died(TRIALS) is expected


def test_a_new_epoch_or_fold_gives_three_lives_again() -> None:
    failures = Failures()
    for place in ((1, 9), (2, 1), (2, 2)):
        assert [failures.died(TRIALS) for _ in range(2)] == [False, False]
        failures.advanced(TRIALS, place)


def test_deaths_are_counted_for_each_training() -> None:
    failures = Failures()
    deaths = [failures.died(trials) for trials in (TRIALS, OTHERS, TRIALS, OTHERS)]
    assert deaths == [False] * 4


def test_five_failed_trainings_in_a_row_stop_a_study() -> None:
    failures = Failures()
    for error in ("a", "a", "a", "a", "", "a", "a", "a", "a"):
        failures.finished(error)
    with pytest.raises(FmsearchError, match="5 trainings in a row failed, the last one: why"):
        failures.finished("why")
