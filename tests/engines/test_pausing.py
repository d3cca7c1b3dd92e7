"""Studies that pause trials: Optuna's engine on a storage, with curves that no training gave."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from optuna.trial import TrialState

from fmsearch.models.settings import Scoring
from fmsearch.search.engines.strategy import Strategy
from fmsearch.search.trial import State, Trial

from .test_optuna_engine import FEW, FOLDS, TEXT, Bench

LONG = TEXT.replace("epochs: 6", "epochs: 12")


class Simulation(Bench):
    """Trains one trial after the other, by curves; keeps what a trainer's outbox has of them."""

    def __init__(self, home: Path, pruner: str = "asha", text: str = LONG) -> None:
        super().__init__(home, Strategy("random", pruner), text)
        self.steps: dict[int, int] = {}
        self.log: list[tuple[int, int, str]] = []

    def train(self, trial: Trial) -> None:
        """Go on with a trial to its next pause or its end."""
        last = self.space.steps
        while not trial.reason and (step := self.steps.get(trial.number, 0) + 1) <= last:
            self.steps[trial.number] = step
            scores = tuple(self.score(trial, at) for at in range(1, step + 1))
            if self.space.scoring is Scoring.VALIDATION:
                scores = scores[-1:]
            if self.engine.report(trial, step, scores, last=step == last).pause:
                assert self.stored.pauses.pause(trial.number, step)
                self.log.append((trial.number, step, "paused"))
                return
        step = self.steps[trial.number]
        self.log.append((trial.number, step, "pruned" if trial.reason else "complete"))
        self.tell(trial, self.score(trial, step), trial.reason)

    def score(self, trial: Trial, step: int) -> float:
        return 0.9 - float(trial.parameters["dropout_rate"]) - 0.1 / step

    def search(self, trials: int, *, most: int = 10_000) -> None:
        """A session that begins no more than so many trials, and trains `most` times."""
        for _ in range(most):
            begun = sum(one.state is not State.WAITING for one in self.stored.trials())
            asked = self.engine.ask(begin=begun < trials)
            if not asked:
                return
            self.train(*asked)


def states(trials: Sequence[Trial]) -> list[State]:
    return [one.state for one in trials]


@pytest.mark.parametrize("pruner", ["asha", "hyperband"])
@pytest.mark.parametrize("text", [LONG, FOLDS])
def test_the_best_is_trained_to_its_end_and_the_others_end_where_they_were_paused(
    tmp_path: Path, pruner: str, text: str
) -> None:
    bench = Simulation(tmp_path, pruner, text)
    bench.search(27)
    found = bench.stored.trials()
    assert set(states(found)) == {State.COMPLETE, State.PRUNED}
    best = min(found, key=lambda one: float(one.parameters["dropout_rate"]))
    assert best.state is State.COMPLETE
    pruned = [one for one in found if one.state is State.PRUNED]
    step = "epoch" if text is LONG else "fold"
    assert all(one.reason.startswith(f"paused after {step} ") for one in pruned)
    assert sum(bench.steps.values()) < 0.75 * 27 * bench.space.steps


def test_a_study_killed_at_any_time_comes_out_as_one_that_was_not(tmp_path: Path) -> None:
    whole = Simulation(tmp_path / "whole")
    whole.search(12)
    cut = Simulation(tmp_path / "cut")
    for _ in range(100):
        (trial,) = cut.engine.ask(begin=len(cut.stored.trials()) < 12) or (None,)
        if trial is None:
            break
        cut.engine = cut.start()  # the trial that was taken is nobody's
        cut.stored.take_back()
        cut.search(12, most=1)
    assert cut.log == whole.log
    assert cut.stored.trials() == whole.stored.trials()


def test_a_later_session_with_more_trials_lets_go_on_what_an_earlier_one_paused(
    tmp_path: Path,
) -> None:
    bench = Simulation(tmp_path)
    bench.search(12, most=8)
    paused = [one for one in bench.stored.trials() if one.state is State.PAUSED]
    assert len(paused) > 3
    assert bench.stored.counts() == Counter(one.state.value for one in bench.stored.trials())
    bench.engine = bench.start()
    bench.stored.take_back()
    bench.search(24)
    went_on = [number for number, step, _ in bench.log[8:] if step > 3]
    assert {one.number for one in paused} & {*went_on}
    assert State.PAUSED not in states(bench.stored.trials())


def test_a_promoted_trial_that_is_given_back_is_paused_again_and_goes_on(tmp_path: Path) -> None:
    bench = Simulation(tmp_path)
    bench.search(3, most=3)
    (promoted,) = bench.engine.ask(begin=False)
    assert (promoted.state, promoted.paused_at, promoted.reason) == (State.RUNNING, 3, "")
    bench.engine.release(promoted)
    assert bench.stored.trial(promoted.number).state is State.PAUSED
    assert bench.engine.ask(begin=False)[0].number == promoted.number


def test_a_trial_trained_again_from_its_start_is_not_paused_where_it_went_on(
    tmp_path: Path,
) -> None:
    bench = Simulation(tmp_path)
    bench.search(3, most=3)
    (promoted,) = bench.engine.ask(begin=False)
    bench.steps[promoted.number] = 0  # its host is gone
    bench.train(promoted)
    assert bench.log[-1] == (promoted.number, 9, "paused")


def test_while_a_trial_is_trained_none_that_it_may_let_go_on_is_given_up(tmp_path: Path) -> None:
    bench = Simulation(tmp_path)
    bench.search(2, most=2)
    (third,) = bench.engine.ask()
    (promoted,) = bench.engine.ask(begin=False)
    assert (promoted.reason, promoted.paused_at) == ("", 3)
    assert bench.engine.ask(begin=False) == ()
    bench.train(promoted)
    bench.train(third)
    bench.search(3)
    assert State.PAUSED not in states(bench.stored.trials())


def test_a_worker_keeps_no_more_than_so_many_states(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fmsearch.search.engines.pausing.MOST_PAUSED", 4)
    bench = Simulation(tmp_path)
    most = 0
    for _ in range(60):
        bench.search(40, most=1)
        most = max(most, bench.stored.counts().get("paused", 0))
    assert most == 5  # the one that is one too many ends next
    first = next(number for number, _, how in bench.log if how == "pruned")
    place, of = re.findall(r"[0-9]+", bench.stored.trial(first).reason)[-2:]
    assert place == of


def test_once_the_score_is_reached_what_is_paused_ends(tmp_path: Path) -> None:
    bench = Simulation(tmp_path)
    bench.search(3, most=3)
    (ended,) = bench.engine.ask(begin=False, promote=False)
    assert ended.reason.startswith("paused after epoch 3 and not promoted: in place ")


def test_a_finite_space_ends_though_duplicates_wait_for_paused_trials(tmp_path: Path) -> None:
    bench = Simulation(tmp_path, text=FEW.replace("epochs: 6", "epochs: 12") + TWICE)
    bench.score = lambda trial, step: 0.5 + 0.1 * trial.parameters["layers"]  # type: ignore[assignment]
    bench.engine.begin()
    (first,) = bench.engine.ask()
    bench.train(first)
    (again,) = bench.engine.ask()
    assert again.duplicate_of == first.number
    bench.search(10, most=1)
    for _ in range(4):
        for trial in bench.engine.ask():
            bench.train(trial)
    assert bench.stored.trial(first.number).state.finished


TWICE = "published: [{layers: 1}, {layers: 1}, {layers: 2}]\n"


def test_a_sampler_learns_from_the_scores_of_paused_trials(tmp_path: Path) -> None:
    bench = Simulation(tmp_path)
    bench.search(3, most=3)
    seen = bench.engine._study.get_trials(deepcopy=False)
    assert [one.state for one in seen] == [TrialState.PRUNED] * 3
    assert all(sorted(one.intermediate_values) == [1, 2, 3] for one in seen)
    assert [one.state for one in bench.stored.frozen()] == [TrialState.RUNNING] * 3
