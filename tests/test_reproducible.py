"""Reproducible studies: what a trial may see of the others."""

from __future__ import annotations

import optuna
import pytest
from optuna.trial import TrialState

from fmsearch.models.settings import Scoring
from fmsearch.search.optuna_engine import lagged_view
from fmsearch.search.strategy import Strategy, make_pruner, make_sampler

LAG = 3
MEDIAN = Strategy("tpe", "median")


def study_of(states: list[TrialState], curves: list[list[float]]) -> optuna.Study:
    """A study whose trials have these curves, as far as their states let them."""
    made = optuna.create_study(
        direction="maximize",
        sampler=make_sampler(MEDIAN, 0),
        pruner=make_pruner(MEDIAN, Scoring.VALIDATION),
    )
    for number, (state, curve) in enumerate(zip(states, curves, strict=True)):
        made.enqueue_trial({"x": number / 10})
        trial = made.ask()
        trial.suggest_float("x", 0, 1)
        for epoch, score in enumerate(curve, start=1):
            trial.report(score, epoch)
        if state is TrialState.COMPLETE:
            made.tell(trial, max(curve))
        elif state.is_finished():
            made.tell(trial, state=state)
    return made


GOOD, BAD = [0.5, 0.6, 0.7, 0.8], [0.1, 0.1, 0.1, 0.1]
DONE, PRUNED, RUNNING = TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING
LATEST = [
    [(DONE, GOOD), (DONE, BAD)],
    [(RUNNING, GOOD[:1]), (PRUNED, BAD[:3])],
    [(RUNNING, []), (RUNNING, [])],
]
"""What may have become of the two trials before the one that is asked for."""


def seen(latest: list[tuple[TrialState, list[float]]]) -> tuple[float, list[bool]]:
    """What trial 8 is proposed, and the verdicts on its bad scores."""
    trials = [(DONE, GOOD)] * 6 + latest
    study = study_of([state for state, _ in trials], [curve for _, curve in trials])
    view = lagged_view(study, 8, LAG)
    assert view is not None
    asked, verdicts = view.ask(), []
    proposed = asked.suggest_float("x", 0, 1)
    for epoch, score in enumerate(BAD, start=1):
        asked.report(score, epoch)
        verdicts.append(asked.should_prune())
    return proposed, verdicts


def test_a_trial_sees_nothing_of_what_became_of_the_latest_ones() -> None:
    proposed, verdicts = seen(LATEST[0])
    assert verdicts == [False, False, True, True]
    assert [seen(latest) for latest in LATEST] == [(proposed, verdicts)] * 3


def test_a_trial_waits_for_those_that_it_must_see() -> None:
    study = study_of([DONE, DONE, RUNNING, DONE], [GOOD] * 4)
    assert lagged_view(study, 4, LAG) is not None
    assert lagged_view(study, 5, LAG) is None


@pytest.mark.parametrize("number", [0, 2])
def test_the_first_trials_see_none(number: int) -> None:
    view = lagged_view(study_of([DONE] * 2, [GOOD] * 2), number, LAG)
    assert view is not None
    assert not view.get_trials(states=(DONE,))
