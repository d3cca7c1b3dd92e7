"""Which trial is registered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import optuna
import pytest

from fmsearch.errors import FmsearchError
from fmsearch.search.retrain.choice import choose, knee
from fmsearch.search.storage.attributes import attributes_of
from fmsearch.search.storage.stored_study import StoredStudy
from fmsearch.search.trial import State, Trial

from ..storage import new_study

OBJECTIVES = {"score": "maximize", "parameters": "minimize"}
TWO = f"objectives: {{score: {OBJECTIVES['score']}, parameters: {OBJECTIVES['parameters']}}}\n"
# Score and size; number 4 is worse than number 1 in both.
TRIALS = ((0.80, 5_000), (0.90, 20_000), (0.93, 100_000), (0.94, 400_000), (0.85, 30_000))
Studied = Callable[[str], StoredStudy]


@pytest.fixture
def studied(tmp_path: Path, images: Path) -> Studied:
    """Makes a study with these trials, of one or two objectives."""

    def make(objectives: str = "") -> StoredStudy:
        url = f"sqlite:///{tmp_path / 'studies.db'}"
        stored = new_study.make(url, images, new_study.SEARCH + objectives)
        for score, size in TRIALS:
            metrics = {"score": score, "parameters": float(size)}
            trial = optuna.trial.create_trial(
                params={"dropout_rate": score / 2},
                distributions={"dropout_rate": optuna.distributions.FloatDistribution(0, 0.5)},
                values=[score, size] if objectives else [score],
                user_attrs=attributes_of(metrics, (1.0,), (1.0,), ""),
            )
            stored.study().add_trial(trial)
        return stored

    return make


def test_of_one_score_the_best_and_of_several_objectives_the_knee(studied: Studied) -> None:
    assert choose(studied(TWO)).trial.number == 2
    assert choose(studied(TWO)).why == "the knee of the Pareto front"


def test_limits_are_kept_the_best_first(studied: Studied) -> None:
    stored, asked = studied(""), []

    def seconds_of(trial: Trial) -> float:
        asked.append(trial.number)
        return trial.metrics["parameters"] / 1e7

    assert choose(stored).trial.number == 3
    small = choose(stored, most_parameters=99_999)
    assert (small.trial.number, small.why) == (
        1,
        "the one with the best score among those of at most 99,999 parameters",
    )
    quick = choose(stored, most_seconds=0.01, seconds_of=seconds_of)
    assert (quick.trial.number, asked) == (2, [3, 2])
    assert quick.why.endswith(" that answers for an image within 10 ms (it takes 10 ms)")
    both = choose(stored, most_parameters=99_999, most_seconds=0.0025, seconds_of=seconds_of)
    assert both.trial.number == 1
    assert choose(stored, number=4).trial.number == 4
    with pytest.raises(FmsearchError, match=r"has at most 9 parameters; the smallest has 5,000"):
        choose(stored, most_parameters=9)
    with pytest.raises(FmsearchError, match=r"within 0\.1 ms; the fastest, trial 0, takes 0\.5 ms"):
        choose(stored, most_seconds=0.0001, seconds_of=seconds_of)


def complete(number: int, score: float, parameters: float) -> Trial:
    metrics = {"score": score, "parameters": parameters}
    return Trial(number, {}, State.COMPLETE, score, metrics)


@pytest.mark.parametrize(
    ("front", "number"),
    [
        # Scaled gains by hand: 1 + 0; 13/14 + 300/395; 10/14 + 380/395; 0 + 1.
        ([(0.94, 400), (0.93, 100), (0.90, 20), (0.80, 5)], 1),
        ([(0.9, 300), (0.8, 100)], 0),  # both ends are on the line
        ([(0.9, 300), (0.85, 200), (0.8, 100)], 0),  # so is the middle
        ([(0.9, 300)], 0),
    ],
)
def test_the_knee_is_farthest_from_the_line_through_the_ends(
    front: list[tuple[float, float]], number: int
) -> None:
    trials = [complete(place, *one) for place, one in enumerate(front)]
    assert knee(trials, OBJECTIVES).number == number
