"""Descriptions: what the runs of a study and of a trial say in Markdown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fmsearch.models.data import DataSet
from fmsearch.models.paired import Flags
from fmsearch.models.split import Split
from fmsearch.search.runs.description import (
    StudyResult,
    describe_study,
    describe_trial,
)
from fmsearch.search.space.load import load_space
from fmsearch.search.storage.study_config import StudyConfig
from fmsearch.search.trial import State, Trial

STUDY = StudyConfig(
    name="mine",
    space=load_space("mlp_grid"),
    data="d",
    data_sha256="s",
    seed=0,
    train_images=None,
    id="1a",
)
HELD_OUT = replace(STUDY, space=load_space("mlp"))


def trial(number: int, *folds: float) -> Trial:
    metrics = {f"fold_{place}_score": score for place, score in enumerate(folds, start=1)}
    score = float(np.mean(folds))
    return Trial(
        number=number,
        parameters={"epochs": 20, "dropout_rate": 0.25 / 3},
        state=State.COMPLETE,
        score=score,
        metrics={"score": score, "score_std": float(np.std(folds)), **metrics},
        fit_seconds=(1.0,) * len(folds),
    )


TRIALS = (
    trial(0, 0.70, 0.71, 0.72),
    trial(1, 0.88, 0.90, 0.89),
    trial(2, 0.89, 0.88, 0.89),
    Trial(3, {"epochs": 10}, State.FAILED, reason="the loss is *nan*"),
)


def result(trials: tuple[Trial, ...] = TRIALS) -> StudyResult:
    rows = np.arange(90, dtype=np.int32)
    return StudyResult(
        config=STUDY,
        data=DataSet(
            name="fashion",
            spec="d",
            sha256="s",
            class_names=("a", "b"),
            train_counts=(60, 60),
            test_counts=(5, 5),
            image_shape=(28, 28),
        ),
        split=Split(rows, rows[:20], rows[:10]),
        trials=trials,
        importances={"epochs": 0.75, "dropout_rate": 0.25},
        run_address=lambda one: f"#/run{one.number}" if one.number != 2 else "",
        view_address="#/view",
        charts_address="#/charts",
        picture_address=lambda one, path: f"get/{path}",
        figures=("figures/search/history.png",),
    )


def test_a_study_says_what_came_out_of_it() -> None:
    lines = describe_study(result()).splitlines()
    assert (
        "**4 trials** (3 complete, 1 failed) of the space `mlp_grid`, model `mlp`, on 90 images of "
        "fashion; score: accuracy on 3 folds."
    ) in lines
    assert "**Best: [trial 1](#/run1), score 0.8900 ± 0.0082**  " in lines
    rows = [line for line in lines if line.startswith("|")]
    assert rows[2:] == [
        "| [trial 1](#/run1) | 0.8900 ± 0.0082 | best | epochs=20, dropout\\_rate=0.08333 |",
        "| trial 2 | 0.8867 ± 0.0047 | p = 0.74, not told apart "
        "| epochs=20, dropout\\_rate=0.08333 |",
        "| [trial 0](#/run0) | 0.7100 ± 0.0082 | p < 0.01 | epochs=20, dropout\\_rate=0.08333 |",
    ]
    assert (
        "**What mattered** (share in the differences of scores): epochs 75%, dropout\\_rate 25%"
        in lines
    )
    assert "[All trials, the best first](#/view) · [as charts](#/charts)" in lines
    assert lines[-3:] == [
        "![confusion matrix of trial 1](get/figures/confusion_matrix.png)",
        "",
        "![history](get/figures/search/history.png)",
    ]


def test_a_study_without_a_complete_trial_says_so_too() -> None:
    text = describe_study(result(TRIALS[3:]))
    assert "**1 trials** (1 failed)" in text
    assert "Best" not in text
    assert "register" not in text


def test_a_trial_says_in_two_lines_how_it_ended_and_what_was_searched() -> None:
    assert describe_trial(STUDY, TRIALS[1]).splitlines() == [
        "**score 0.8900 ± 0.0082, accuracy on 3 folds**  ",
        "epochs=20, dropout\\_rate=0.08333",
    ]
    assert describe_trial(STUDY, TRIALS[3]).splitlines() == [
        "**failed**: the loss is \\*nan\\*  ",
        "epochs=10",
    ]


def test_trials_are_compared_on_the_same_held_out_images() -> None:
    # Of 20 images the best is right about 12, number 1 about 4 of these, number 2 about 11.
    rights = {0: range(12), 1: range(4), 2: [*range(10), 19]}
    trials = tuple(
        Trial(number, {"epochs": 1}, State.COMPLETE, score=score)
        for number, score in enumerate((0.6, 0.2, 0.55, 0.5))
    )

    def right(one: Trial) -> Flags | None:
        return np.isin(np.arange(20), rights[one.number]) if one.number in rights else None

    text = describe_study(replace(result(trials), config=HELD_OUT, right=right))
    verdicts = [line.split("|")[3].strip() for line in text.splitlines() if line.startswith("|")]
    assert verdicts[2:] == [
        "best",
        "p = 1.00, not told apart",  # right alone on 2 and 1
        "not compared",
        "p < 0.01",  # on 8 and 0: 2 / 2**8
    ]
    assert "McNemar's exact test on the same validation images. Not compared: it is not" in text


def test_scores_that_are_no_shares_of_the_images_are_not_tested() -> None:
    space = replace(HELD_OUT.space, metric="log_loss")
    config = replace(HELD_OUT, space=space)
    trials = tuple(
        Trial(
            number,
            {"epochs": 10},
            State.COMPLETE,
            score=score,
            metrics={"score": score, "best_epoch": 3, "accuracy": 0.8},
        )
        for number, score in enumerate((-0.5, -0.25))
    )
    lines = describe_study(replace(result(trials), config=config)).splitlines()
    assert any(line.endswith("score: negated log loss on held out images.") for line in lines)
    assert "**Best: [trial 1](#/run1), score -0.2500**  " in lines
    assert "No test: negated log loss is no share of the images." in lines
    assert describe_trial(config, trials[0]).startswith(
        "**score -0.5000, negated log loss on held out images after epoch 3**"
    )
