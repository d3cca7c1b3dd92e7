"""Optuna's engine alone, with scores that no training gave: what it proposes, hears and judges."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from fmsearch.commands.tables import overview_lines
from fmsearch.search.engines.optuna_engine import OptunaEngine
from fmsearch.search.engines.strategy import Strategy
from fmsearch.search.result import Result
from fmsearch.search.space.load import read_space
from fmsearch.search.storage.storage import open_storage
from fmsearch.search.storage.stored_study import StoredStudy
from fmsearch.search.storage.study_config import StudyConfig
from fmsearch.search.study.status import overview
from fmsearch.search.trial import State, Trial, Verdict

STEPS = 6
TEXT = """\
name: mine
model: mlp
engine: optuna
score: {by: validation}
fixed: {epochs: 6}
parameters: {dropout_rate: {float: [0.0, 0.5]}, layers: [1, 2]}
"""
FOLDS = TEXT.replace("validation}", "cross_validation, folds: 6}")
FEW = TEXT.replace("dropout_rate: {float: [0.0, 0.5]}, ", "")


class Bench:
    """A study on a storage of its own, whose scores come from a formula."""

    def __init__(self, home: Path, strategy: Strategy, text: str = TEXT, seed: int = 0) -> None:
        home.mkdir(exist_ok=True)
        self.space = read_space(text, "mine")
        self.strategy, self.seed = strategy, seed
        config = StudyConfig(
            name="mine",
            space=read_space(text, "mine"),
            data="here",
            data_sha256="0",
            seed=seed,
            train_images=None,
            lag=strategy.lag,
        )
        self.stored: StoredStudy = open_storage(f"sqlite:///{home / 'studies.db'}").open_study(
            config
        )
        self.engine = self.start()

    def start(self) -> OptunaEngine:
        """The engine of one more session."""
        return OptunaEngine(self.space, self.stored, self.strategy, self.seed)

    def tell(self, trial: Trial, score: float, pruned: str = "") -> None:
        result = Result(
            settings=dict(self.space.settings(trial.parameters)),
            seed=0,
            metrics={"score": score},
            history=(),
            confusion=(),
            parameters=1000,
            fit_seconds=(1.0,),
            score_seconds=(0.1,),
            started_at=0,
            finished_at=1,
            pruned=pruned,
        )
        assert self.engine.tell(trial, result)

    def run(self, trials: int) -> list[Trial]:
        """Train trials one after the other; the score falls with the dropout."""
        for _ in range(trials):
            (trial,) = self.engine.ask()
            best, reason = 0.9 - float(trial.parameters["dropout_rate"]), ""
            scores: list[float] = []
            for step in range(1, STEPS + 1):
                if self.space.folds > 1:
                    scores = [*scores, best + 0.01 * (step % 3)]
                else:
                    scores = [best - 0.1 / step]
                last = step == STEPS
                if reason := self.engine.report(trial, step, tuple(scores), last=last).prune:
                    break
            self.tell(trial, sum(scores) / len(scores), reason)
        return self.stored.trials()


def proposals(trials: Sequence[Trial]) -> list[str]:
    return [json.dumps(dict(trial.parameters)) for trial in trials]


@pytest.mark.parametrize(
    ("sampler", "pruner"),
    [("tpe", "median"), ("random", "wilcoxon"), ("nsga2", "none")],
)  # fmt: skip
def test_every_sampler_and_every_pruner_does_its_part(
    tmp_path: Path, sampler: str, pruner: str
) -> None:
    text = FOLDS if pruner == "wilcoxon" else TEXT
    found = Bench(tmp_path, Strategy(sampler, pruner), text).run(14)
    assert len(set(proposals(found))) == 14
    pruned = [trial for trial in found if trial.state is State.PRUNED]
    assert bool(pruned) == (pruner != "none")
    assert all(trial.reason.startswith(f"{pruner} pruner, at ") for trial in pruned)
    assert max(found, key=lambda one: -float(one.parameters["dropout_rate"])) not in pruned


def test_a_pruner_hears_the_mean_of_the_folds_so_far_and_wilcoxon_each_fold(
    tmp_path: Path,
) -> None:
    heard = {}
    for pruner in ("median", "wilcoxon"):
        bench = Bench(tmp_path / pruner, Strategy("random", pruner), FOLDS)
        (trial,) = bench.engine.ask()
        for step, scores in enumerate([(0.5,), (0.5, 0.7), (0.5, 0.7, 0.9)], start=1):
            bench.engine.report(trial, step, scores, last=False)
        heard[pruner] = bench.stored.reported(trial.number)
    assert heard["median"] == pytest.approx({1: 0.5, 2: 0.6, 3: 0.7})
    assert heard["wilcoxon"] == {1: 0.5, 2: 0.7, 3: 0.9}


def test_a_trial_that_is_trained_again_is_judged_where_it_was_not_before(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Strategy("random", "median"))
    bench.run(8)
    (trial,) = bench.engine.ask()
    for step in (1, 2, 3):
        assert bench.engine.report(trial, step, (0.95,), last=False) == Verdict()
    bench.engine = bench.start()
    bench.stored.take_back()
    (again,) = bench.engine.ask()
    assert (again.number, again.parameters) == (trial.number, trial.parameters)
    # Otherwise these would be judged: nothing said of epochs 1 to 3 counts again.
    for step in (1, 2, 3):
        assert bench.engine.report(again, step, (0.01,), last=False) == Verdict()
    assert bench.engine.report(again, 4, (0.4,), last=False) == Verdict()  # its best was good
    assert bench.stored.reported(trial.number) == {1: 0.95, 2: 0.95, 3: 0.95, 4: 0.4}


def test_after_a_restart_the_first_epoch_that_was_not_heard_is_judged(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Strategy("random", "median"))
    bench.run(8)
    (trial,) = bench.engine.ask()
    assert bench.engine.report(trial, 1, (0.01,), last=False) == Verdict()
    bench.engine = bench.start()
    bench.stored.take_back()
    (again,) = bench.engine.ask()
    assert bench.engine.report(again, 1, (0.99,), last=False) == Verdict()
    assert bench.engine.report(again, 2, (0.01,), last=False).prune.endswith("after epoch 2")


def test_a_decision_of_an_earlier_session_is_made_at_its_step(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Strategy("random", "median"))
    bench.run(8)
    (trial,) = bench.engine.ask()
    reasons = [bench.engine.report(trial, step, (0.01,), last=False) for step in (1, 2)]
    assert reasons[1].prune
    bench.engine = bench.start()
    bench.stored.take_back()
    (again,) = bench.engine.ask()
    assert [bench.engine.report(again, step, (0.99,), last=False) for step in (1, 2)] == reasons


def test_an_overview_shows_what_is_running_and_its_last_score(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Strategy("random", "none"))
    bench.run(1)
    for _ in range(2):
        bench.engine.ask()
    for step, score in enumerate((0.3, 0.25), start=1):
        bench.engine.report(bench.stored.trial(1), step, (score,), last=False)
    assert overview_lines("mine", overview(bench.stored))[-2:] == [
        "running: trial 1, score 0.2500 after step 2",
        "running: trial 2, no score yet",
    ]


def test_what_has_failed_is_tried_again(tmp_path: Path) -> None:
    same = "published: [{layers: 1}, {layers: 1}, {layers: 1}]\n"
    bench = Bench(tmp_path, Strategy("random", "none"), FEW + same)
    bench.engine.begin()
    (first,) = bench.engine.ask()
    bench.engine.fail(first, "why")
    assert [bench.engine.ask()[0].duplicate_of for _ in range(2)] == [None, 1]


@pytest.mark.parametrize("heard_first", [True, False])
def test_but_in_a_reproducible_study_its_failure_is_repeated_whenever_it_was_heard(
    tmp_path: Path, heard_first: bool
) -> None:
    same = "published: [{layers: 1}, {layers: 2}, {layers: 1}]\n"
    bench = Bench(tmp_path, Strategy("random", "none", lag=3), FEW + same)
    bench.engine.begin()
    (first,), _ = bench.engine.ask(), bench.engine.ask()
    if heard_first:
        bench.engine.fail(first, "why")
    (third,) = bench.engine.ask()
    if not heard_first:
        bench.engine.fail(first, "why")
    assert third.duplicate_of == 0
    assert bench.engine.repeat(third, bench.stored.trial(0))
    assert bench.stored.trial(2).reason == "why"


def test_a_reproducible_study_knows_failures_of_earlier_sessions(tmp_path: Path) -> None:
    same = "published: [{layers: 1}, {layers: 1}]\n"
    bench = Bench(tmp_path, Strategy("random", "none", lag=1), FEW + same)
    bench.engine.begin()
    (first,) = bench.engine.ask()
    bench.engine.fail(first, "why")
    bench.engine = bench.start()
    assert bench.engine.ask()[0].duplicate_of == 0
