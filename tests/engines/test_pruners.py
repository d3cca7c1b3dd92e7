"""Pruners: made in silence, and where they judge."""

from __future__ import annotations

import warnings

import optuna
import pytest

from fmsearch.search.pruners import PRUNERS, make_pruner
from fmsearch.search.space.load import read_space
from fmsearch.search.space.space import Space


def of_length(epochs: int) -> Space:
    """A space whose trials have that number of epochs."""
    text = "name: mine\nmodel: mlp\nengine: optuna\nscore: {by: validation}\n"
    return read_space(
        f"{text}fixed: {{epochs: {epochs}}}\nparameters: {{layers: [1, 2]}}\n", "mine"
    )


@pytest.mark.parametrize("pruner", PRUNERS)
def test_a_pruner_is_made_in_silence(pruner: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = make_pruner(pruner, of_length(5))
    assert isinstance(made, optuna.pruners.BasePruner)


def judged(pruner: str, bad: list[float], others: int = 6) -> list[int]:
    """After which of its scores a bad trial is pruned beside so many good ones."""
    study = optuna.create_study(
        direction="maximize", pruner=make_pruner(pruner, of_length(len(bad)))
    )
    for _ in range(others):
        good = study.ask()
        for step in range(1, len(bad) + 1):
            good.report(0.9, step)
        study.tell(good, 0.9)
    trial, steps = study.ask(), []
    for step, score in enumerate(bad, start=1):
        trial.report(score, step)
        if trial.should_prune():
            steps.append(step)
    return steps


@pytest.mark.parametrize(
    ("steps", "judging"),
    [(3, [1, 2, 3]), (5, [1, 2, 3, 4, 5]), (15, [3, 6, 9, 12, 15]), (24, [5, 10, 15, 20])],
)
def test_the_median_judges_at_every_fifth_of_a_trial(steps: int, judging: list[int]) -> None:
    assert judged("median", [0.1] * steps) == judging


def test_the_median_judges_once_five_trials_are_finished() -> None:
    assert judged("median", [0.1] * 9, others=4) == []
    assert judged("median", [0.1] * 9, others=5) == [2, 4, 6, 8]


def test_without_a_pruner_nothing_is_pruned() -> None:
    assert judged("none", [0.1] * 5) == []


def test_a_trial_as_good_as_the_others_is_not_pruned_by_the_median() -> None:
    assert judged("median", [0.9] * 5) == []
