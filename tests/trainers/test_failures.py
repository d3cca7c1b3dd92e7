"""When a training has failed, and when a study must stop."""

import pytest

from fmsearch.errors import FmsearchError
from fmsearch.search.trial import State, Trial
from fmsearch.search.trouble import Trouble

TRIALS = (Trial(0, {}, State.RUNNING), Trial(1, {}, State.RUNNING))
OTHERS = (Trial(2, {}, State.RUNNING),)


def test_three_deaths_without_a_new_epoch_are_too_many() -> None:
    trouble = Trouble()
    assert [trouble.died(TRIALS) for _ in range(3)] == [False, False, True]


def test_an_epoch_that_was_reached_before_is_no_progress() -> None:
    trouble = Trouble()
    for expected in (False, False, True):
        trouble.advanced(TRIALS, (1, 1))
        trouble.advanced(TRIALS, (1, 2))
        assert trouble.died(TRIALS) is expected


def test_a_new_epoch_or_fold_gives_three_lives_again() -> None:
    trouble = Trouble()
    for place in ((1, 9), (2, 1), (2, 2)):
        assert [trouble.died(TRIALS) for _ in range(2)] == [False, False]
        trouble.advanced(TRIALS, place)


def test_deaths_are_counted_for_each_training() -> None:
    trouble = Trouble()
    deaths = [trouble.died(trials) for trials in (TRIALS, OTHERS, TRIALS, OTHERS)]
    assert deaths == [False] * 4


def test_five_failed_trainings_in_a_row_stop_a_study() -> None:
    trouble = Trouble()
    for error in ("a", "a", "a", "a", "", "a", "a", "a", "a"):
        trouble.finished(error)
    with pytest.raises(FmsearchError, match="5 trainings in a row failed, the last one: why"):
        trouble.finished("why")
