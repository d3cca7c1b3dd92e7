"""When no more is gained: counted against the standard error, and what may be left to gain."""

from __future__ import annotations

import time

import pytest

from fmsearch.search.study.plan import Limits
from fmsearch.search.study.stopping import possible_gain, since_gain
from fmsearch.search.trial import State, Trial


def trial(number: int, score: float | None, state: State = State.COMPLETE, **more: object) -> Trial:
    return Trial(number, {}, state, score=score, **more)  # type: ignore[arg-type]


def complete(*scores: float) -> list[Trial]:
    return [trial(number, score) for number, score in enumerate(scores)]


def folds(number: int, *scores: float) -> Trial:
    metrics = {f"fold_{fold}_score": score for fold, score in enumerate(scores, start=1)}
    mean = sum(scores) / len(scores)
    std = (sum((score - mean) ** 2 for score in scores) / len(scores)) ** 0.5
    seconds = (1.0,) * len(scores)
    return trial(number, mean, metrics={**metrics, "score_std": std}, fit_seconds=seconds)


def test_a_gain_within_the_standard_error_of_a_share_of_images_is_none() -> None:
    # Of 400 images, the standard error of 0.915 is 0.014.
    assert since_gain(complete(0.9, 0.913), images=400) == 1
    assert since_gain(complete(0.9, 0.915), images=400) == 0
    assert since_gain(complete(0.9, 0.913), images=40_000) == 0


def test_a_gain_of_folds_is_held_against_the_standard_error_of_their_mean() -> None:
    first = folds(0, 0.8, 0.8, 0.8, 0.8)
    assert since_gain([first, folds(1, 0.8, 0.8, 0.84, 0.84)], images=1) == 0
    assert since_gain([first, folds(1, 0.7, 0.8, 0.84, 0.94)], images=1) == 1


def test_pruned_trials_count_and_failed_waiting_and_repeated_ones_do_not() -> None:
    trials = [
        *complete(0.9),
        trial(1, None, State.PRUNED),
        trial(2, None, State.FAILED),
        trial(3, None, State.RUNNING),
        trial(4, None, State.PAUSED),
        trial(5, 0.9, duplicate_of=0),
    ]
    assert since_gain(trials, images=100) == 1
    assert since_gain(trials[1:5], images=100) == 0  # nothing to improve on yet


def test_the_limit_is_reached_after_so_many_and_not_before_the_first_is_complete() -> None:
    limits, now = Limits(patience=2, images=100), time.monotonic()
    assert not limits.reached(complete(0.9, 0.9), now)
    assert limits.reached(complete(0.9, 0.9, 0.9), now)
    assert limits.are_final(complete(0.9, 0.9, 0.9), now)
    assert not limits.reached([], now)
    assert not Limits(images=100).reached(complete(*[0.9] * 50), now)


@pytest.mark.parametrize(
    ("scores", "gain"), [((), None), ((0.9,), None), ((0.9, 0.9), 0.0), ((0.8, 0.9, 0.87), 0.03)]
)
def test_the_possible_gain_is_the_lead_of_the_best(
    scores: tuple[float, ...], gain: float | None
) -> None:
    assert possible_gain(complete(*scores)) == (None if gain is None else pytest.approx(gain))
