"""A replay's comparison of two trainings' numbers."""

from __future__ import annotations

from fmsearch.search.retrain.replay import Comparison, compare


def test_numbers_are_compared_in_the_order_in_which_they_were_measured() -> None:
    now = {("train_loss", 1): 2.0, ("train_loss", 2): 1.0, ("score", 0): 0.5}
    changed = {**now, ("score", 0): 0.6, ("train_loss", 2): 1.5}
    difference = "train_loss at epoch 2: 1.5 then, 1.0 now"
    assert compare(changed, now, whole=True) == Comparison(1, difference)


def test_a_number_that_only_one_side_has_is_a_difference_but_in_a_part() -> None:
    less, more = {("score", 0): 0.5}, {("score", 0): 0.5, ("best_epoch", 0): 3.0}
    assert compare(less, more, whole=True).difference == "best_epoch: nothing then, 3.0 now"
    assert compare(more, less, whole=True).difference == "best_epoch: 3.0 then, nothing now"
    assert compare(less, more, whole=False) == Comparison(1, "")


def test_times_are_not_compared() -> None:
    then, now = {("train_seconds", 0): 1.0}, {("train_seconds", 0): 2.0}
    assert compare(then, now, whole=True) == Comparison(0, "")
