"""Reproducible studies: what a trial may see of the others."""

from __future__ import annotations

import optuna
import pytest
from optuna.trial import TrialState

from fmsearch.search.engines.reproducible import lagged_view
from fmsearch.search.pruners import make_pruner
from fmsearch.search.samplers import make_sampler
from fmsearch.search.space.load import read_space

LAG, EPOCHS = 3, 12
SPACE = read_space(
    f"""\
name: mine
model: mlp
engine: optuna
score: {{by: validation}}
fixed: {{epochs: {EPOCHS}}}
parameters: {{layers: [1, 2]}}
""",
    "mine",
)


def study_of(states: list[TrialState], curves: list[list[float]]) -> optuna.Study:
    """A study whose trials have these curves, as far as their states let them."""
    made = optuna.create_study(
        direction="maximize",
        sampler=make_sampler("tpe", SPACE, 0),
        pruner=make_pruner("median", SPACE),
    )
    for number, (state, curve) in enumerate(zip(states, curves, strict=True)):
        made.enqueue_trial({"x": number / 20})
        trial = made.ask()
        trial.suggest_float("x", 0, 1)
        for epoch, score in enumerate(curve, start=1):
            trial.report(score, epoch)
        if state is TrialState.COMPLETE:
            made.tell(trial, max(curve))
        elif state.is_finished():
            made.tell(trial, state=state)
    return made


HIGH, MIDDLE, LOW = [0.7] * EPOCHS, [0.6] * EPOCHS, [0.5] * EPOCHS
DONE, PRUNED, RUNNING = TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING
TOLD = [(DONE, LOW), (DONE, HIGH)] * 6 + [(DONE, LOW)]
"""More than the sampler's ten to begin with; their median is low, and high with two high ones."""
LATEST = [
    [(DONE, [0.9] * EPOCHS), (DONE, [0.9] * EPOCHS)],
    [(RUNNING, HIGH[:1]), (PRUNED, LOW[:3])],
    [(RUNNING, []), (RUNNING, [])],
]
"""What may have become of the two trials before the one that is asked for."""

Known = list[tuple[TrialState, list[float]]]


def seen(trials: Known, *, lag: int, curve: list[float]) -> tuple[float, bool]:
    """What the next trial is proposed, and whether it is pruned with such scores."""
    study = study_of([state for state, _ in trials], [curve for _, curve in trials])
    view = lagged_view(study, len(trials), lag)
    assert view is not None
    asked, verdicts = view.ask(), []
    proposed = asked.suggest_float("x", 0, 1)
    for epoch, score in enumerate(curve, start=1):
        asked.report(score, epoch)
        verdicts.append(asked.should_prune())
    return proposed, any(verdicts)


def test_a_trial_sees_nothing_of_what_became_of_the_latest_ones() -> None:
    found = [seen(TOLD + latest, lag=LAG, curve=MIDDLE) for latest in LATEST]
    assert found == [(found[0][0], False)] * 3
    proposed, pruned = seen(TOLD + LATEST[0], lag=1, curve=MIDDLE)  # it would matter
    assert proposed != found[0][0]
    assert pruned


def test_a_trial_is_judged_by_those_that_it_may_see() -> None:
    assert [seen(TOLD + latest, lag=LAG, curve=LOW)[1] for latest in LATEST] == [False] * 3
    worse = [0.4] * EPOCHS
    assert [seen(TOLD + latest, lag=LAG, curve=worse)[1] for latest in LATEST] == [True] * 3


def test_a_trial_waits_for_those_that_it_must_see() -> None:
    study = study_of([DONE, DONE, RUNNING, DONE], [HIGH] * 4)
    assert lagged_view(study, 4, LAG) is not None
    assert lagged_view(study, 5, LAG) is None


@pytest.mark.parametrize("number", [0, 2])
def test_the_first_trials_see_none(number: int) -> None:
    view = lagged_view(study_of([DONE] * 2, [HIGH] * 2), number, LAG)
    assert view is not None
    assert not view.get_trials(states=(DONE,))
