"""Halving: at which steps trials are paused, and which of them goes on."""

from __future__ import annotations

from collections import Counter

import pytest

from fmsearch.search.engines.halving import HALVINGS, Halving, Standing
from fmsearch.search.space.load import read_space
from fmsearch.search.space.space import Space

ASHA = Halving(rungs=(3, 9), factor=3, by_best=True)


def space(score: str, epochs: int) -> Space:
    head = f"name: mine\nmodel: mlp\nengine: optuna\nscore: {score}\n"
    return read_space(f"{head}fixed: {{epochs: {epochs}}}\nparameters: {{layers: [1, 2]}}\n", "m")


@pytest.mark.parametrize(
    ("score", "epochs", "rungs"),
    [
        ("{by: validation}", 27, (3, 9)),
        ("{by: validation}", 28, (3, 9, 27)),
        ("{by: validation}", 3, ()),
        ("{by: cross_validation, folds: 4}", 30, (1, 2, 3)),
    ],
)
def test_rungs_come_before_the_last_step(score: str, epochs: int, rungs: tuple[int, ...]) -> None:
    assert HALVINGS["asha"](space(score, epochs)).rungs == rungs


def paused(number: int, score: float, at: int = 3) -> Standing:
    return Standing(number, {at: score}, at)


def promoted(trials: list[Standing], *, last: bool = False) -> int | None:
    return ASHA.promoted(trials, {one.number for one in trials}, last=last)


def test_the_best_of_three_goes_on_and_of_equals_the_one_begun_first() -> None:
    trials = [paused(0, 0.5), paused(1, 0.7)]
    assert promoted(trials) is None
    assert promoted([*trials, paused(2, 0.7)]) == 1


def test_a_trial_has_a_second_chance_once_there_are_more_worse_ones() -> None:
    gone_on = Standing(0, {3: 0.9, 9: 0.95}, 9)
    trials = [gone_on, *(paused(number, 0.8 - number / 100) for number in (1, 2, 3, 4))]
    assert promoted(trials) is None
    assert promoted([*trials, paused(5, 0.1)]) == 1


def test_the_highest_rung_comes_first() -> None:
    high = [Standing(number, {3: 0.0, 9: 0.2 + number / 10}, 9) for number in (0, 1, 2)]
    low = [paused(number, 0.1) for number in range(3, 12)]
    assert promoted([*high, *low]) == 2
    assert promoted([high[0], *low]) == 3


def test_when_no_more_begin_the_best_of_a_rung_goes_on_though_it_has_no_two_others() -> None:
    assert promoted([paused(0, 0.5), paused(1, 0.7)], last=True) == 1


def test_only_a_trial_that_is_open_to_this_worker_goes_on() -> None:
    trials = [paused(number, number / 10) for number in range(6)]
    assert ASHA.promoted(trials, {0, 1, 2, 3, 4}, last=False) == 4
    assert ASHA.promoted(trials, {0, 1, 2, 3}, last=False) is None


def test_a_trial_stands_by_its_best_score_or_cross_validated_by_its_last() -> None:
    fell = Standing(0, {1: 0.9, 2: 0.1, 3: 0.2}, 3)
    others = [paused(1, 0.5), paused(2, 0.4)]
    assert promoted([fell, *others]) == 0
    by_last = Halving(rungs=(3,), factor=3, by_best=False)
    assert by_last.promoted([fell, *others], {0, 1, 2}, last=False) == 1


def test_scores_after_a_rung_do_not_count_there() -> None:
    late = Standing(0, {3: 0.1, 4: 0.99})
    trials = [late, paused(1, 0.5), paused(2, 0.4)]
    assert promoted(trials) == 1
    assert ASHA.place(trials, 1) == (1, 3)


def test_hyperband_gives_each_bracket_its_share_of_the_trials_and_its_rungs() -> None:
    made = HALVINGS["hyperband"](space("{by: validation}", 20))
    assert (made.rungs, made.brackets) == ((3, 9), 3)
    firsts = Counter(
        next((step for step in range(1, 20) if made.pauses(number, step)), None)
        for number in range(170)
    )
    assert firsts == {3: 90, 9: 50, None: 30}
    # Two brackets are ranked apart: the best of one does not hold back the other's.
    one = [number for number in range(17) if made.pauses(number, 3)][:3]
    two = [n for n in range(17) if made.pauses(n, 9) and not made.pauses(n, 3)][:2]
    trials = [paused(number, 0.1) for number in one] + [paused(n, 0.9, at=9) for n in two]
    assert made.promoted(trials, {*one, *two}, last=False) == one[0]
