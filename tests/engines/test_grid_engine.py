"""The grid: the order of its points, and the scores that Keras Tuner sees."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sklearn.model_selection import ParameterGrid

from fmsearch.search.engines.grid_engine import GridEngine
from fmsearch.search.engines.grid_oracle import enumerate_points, keras_tuner_oracle
from fmsearch.search.result import Result
from fmsearch.search.space.load import load_space, read_space
from fmsearch.search.space.parameters import Choice
from fmsearch.search.space.space import Space
from fmsearch.search.storage.storage import open_storage
from fmsearch.search.storage.stored_study import StoredStudy
from fmsearch.search.storage.study_config import StudyConfig
from fmsearch.search.trial import best_trial

GRID = """\
name: tiny
model: mlp
engine: keras_tuner
score: {by: cross_validation, folds: 3}
fixed: {hidden_units: 12, batch_size: 32}
parameters:
  optimizer: [rmsprop, adam]
  epochs: [2, 1]
  dropout_rate: [0.0, 0.25]
"""


def grid_storage(folder: Path, text: str = GRID) -> StoredStudy:
    config = StudyConfig(
        name="tiny",
        space=read_space(text, "tiny"),
        data="data",
        data_sha256="sum",
        seed=0,
        train_images=None,
    )
    return open_storage(f"sqlite:///{folder / 'studies.db'}").open_study(config)


def result_with(score: float) -> Result:
    folds = {f"fold_{fold}_score": score for fold in (1, 2, 3)}
    metrics = {"score": score, "score_std": 0.0, **folds}
    return Result(
        settings={},
        seed=0,
        metrics=metrics,
        history=(),
        confusion=(),
        parameters=0,
        fit_seconds=(1.0, 1.0, 1.0),
        score_seconds=(0.1, 0.1, 0.1),
        started_at=0,
        finished_at=0,
    )


def grid_on(stored: StoredStudy, space: Space | None = None) -> GridEngine:
    """An engine that has begun; Keras Tuner enumerates in this process."""
    space = space or read_space(GRID, "")
    stored.enqueue(enumerate_points(space.choices), space.choices)
    engine = GridEngine(space, stored)
    engine.begin()
    return engine


def choices(space: Space) -> dict[str, list[Any]]:
    """A grid as scikit-learn takes it."""
    domains = {name: parameter.domain for name, parameter in space.parameters.items()}
    return {name: list(one.values) for name, one in domains.items() if isinstance(one, Choice)}


def ask_all(engine: GridEngine) -> Iterator[tuple[Any, ...]]:
    while trials := engine.ask():
        yield trials


def test_points_come_in_the_order_of_scikit_learns_parameter_grid(tmp_path: Path) -> None:
    space = load_space("mlp_grid")
    stored = grid_storage(tmp_path)
    grid_on(stored, space)
    expected = list(ParameterGrid(choices(space)))
    assert [dict(trial.parameters) for trial in stored.trials()] == expected


def test_trials_that_differ_only_in_epochs_are_asked_together(tmp_path: Path) -> None:
    groups = list(ask_all(grid_on(grid_storage(tmp_path))))
    assert [[trial.parameters["epochs"] for trial in group] for group in groups] == [[2, 1]] * 4
    assert sorted(trial.number for group in groups for trial in group) == list(range(8))


def test_keras_tuner_sees_every_score_and_the_first_of_equals_wins(tmp_path: Path) -> None:
    stored = grid_storage(tmp_path)
    engine = grid_on(stored)
    scores = [0.5, 0.7, 0.6, 0.7, 0.1, 0.7, 0.2, 0.3]
    for group in ask_all(engine):
        for trial in group:
            engine.tell(trial, result_with(scores[trial.number]))
    best = best_trial(stored.trials())
    assert best is not None
    assert best.number == 1
    ranked = keras_tuner_oracle(stored).get_best_trials(8)
    assert ranked[0].hyperparameters.values == dict(best.parameters)
    assert [trial.score for trial in ranked] == sorted(scores, reverse=True)


def test_a_resumed_grid_keeps_finished_trials_and_asks_the_rest_once(tmp_path: Path) -> None:
    stored = grid_storage(tmp_path)
    first = grid_on(stored)
    told, lost = first.ask(), first.ask()
    first.tell(told[0], result_with(0.9))
    first.fail(told[1], "why")

    later = grid_storage(tmp_path)
    later.take_back()
    second = grid_on(later)
    asked = [trial.number for group in ask_all(second) for trial in group]
    assert sorted(asked) == sorted({*range(8)} - {trial.number for trial in told})
    assert {trial.number for trial in lost} <= set(asked)
    assert len(stored.trials()) == 8
    assert keras_tuner_oracle(stored).get_best_trials(1)[0].score == 0.9
    assert stored.trials()[told[1].number].reason == "why"


def test_a_released_trial_is_asked_again_under_its_number(tmp_path: Path) -> None:
    engine = grid_on(grid_storage(tmp_path))
    taken = engine.ask()
    for trial in taken:
        engine.release(trial)
    again = [trial.number for group in ask_all(engine) for trial in group]
    assert sorted(again) == list(range(8))
