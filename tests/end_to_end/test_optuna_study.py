"""Optuna studies run as users run them: sampled, constrained, repeated, continued."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from fmsearch.search.runs.artifacts import read_right
from fmsearch.search.trial import State

from .records import artifacts, client_of, run_of, runs, stored, table, trials

SMALL = """\
name: small
model: mlp
engine: optuna
score: {by: validation}
fixed: {epochs: 2, layers: 1, hidden_units: 16}
parameters:
  dropout_rate: {float: [0.0, 0.5]}
  optimizer: [adam, sgd]
  momentum: {float: [0.5, 0.9], when: {optimizer: sgd}}
"""
FINITE = """\
name: finite
model: mlp
engine: optuna
sampler: random
score: {by: validation}
fixed: {epochs: 1, layers: 1}
parameters:
  hidden_units: [4, 8]
  optimizer: [adam, sgd]
"""


def test_a_study_tries_as_many_trials_as_asked_and_a_later_call_continues_it(  # type: ignore[no-untyped-def]
    study, tmp_path
) -> None:
    assert "small: 3 trials, 2 trainers" in study(SMALL, "--trials", 3, "--jobs", 2)
    before = table(tmp_path / "mlruns", "small")
    said = study(SMALL, "--trials", 5, "--jobs", 2)
    assert "small: 5 trials, 3 of them finished before, 2 trainers" in said
    after = table(tmp_path / "mlruns", "small")
    assert len(after) == 5
    assert after[:3] == before
    (run,) = runs(tmp_path / "mlruns", "study")
    best = max(trials(tmp_path / "mlruns", "small"), key=lambda trial: trial.score or 0)
    assert run.info.status == "FINISHED"
    assert json.loads(run.data.tags["fmsearch.best_parameters"]) == dict(best.parameters)


def test_a_hold_out_trial_stands_in_mlflow_with_its_best_epoch_and_its_model(  # type: ignore[no-untyped-def]
    study, tmp_path
) -> None:
    study(SMALL, "--trials", 2)
    home = tmp_path / "mlruns"
    run = run_of(home, "small-0001")
    curve = client_of(home).get_metric_history(run.info.run_id, "val_accuracy")
    assert [point.step for point in curve] == [1, 2]
    assert run.data.metrics["score"] == max(point.value for point in curve)
    assert run.data.metrics["best_epoch"] == int(np.argmax([p.value for p in curve])) + 1
    assert run.info.status == "FINISHED"
    assert run.outputs is not None
    assert len(run.outputs.model_outputs) == 1
    assert artifacts(home, run, "figures") == ["confusion_matrix.png", "learning_curves.png"]
    file = client_of(home).download_artifacts(run.info.run_id, "validation_right.json")
    right = read_right(Path(file).read_text())
    assert right is not None
    assert len(right) == 100 - 100 // 3  # of 400 images a quarter, but for its gate images
    assert right.mean() == run.data.metrics["score"]
    (whole,) = runs(home, "study")
    assert "McNemar's exact test on the same" in whole.data.tags["mlflow.note.content"]
    assert "Not compared" not in whole.data.tags["mlflow.note.content"]


def test_the_studys_run_has_the_figures_of_the_search(study, tmp_path) -> None:  # type: ignore[no-untyped-def]
    study(SMALL, "--trials", 4, "--keep-models", "none")
    home = tmp_path / "mlruns"
    assert {one.data.tags["fmsearch.model"] for one in runs(home)} == {
        "dropped: --keep-models none"
    }
    assert not list((home / "artifacts").rglob("model.keras"))
    (run,) = runs(home, "study")
    assert artifacts(home, run, "figures/search") == [
        "history.png",
        "importances.png",
        "intermediate_values.png",
        "parallel_coordinates.png",
        "search.html",
        "slices.png",
        "timeline.png",
    ]


def test_known_parameters_are_not_trained_twice_and_the_run_says_so(study, tmp_path) -> None:  # type: ignore[no-untyped-def]
    points = "[{hidden_units: 4, optimizer: adam}, {hidden_units: 8, optimizer: adam}, "
    again = "{hidden_units: 4, optimizer: adam}]"
    study(FINITE + f"published: {points}{again}\n", "--trials", 3)
    home = tmp_path / "mlruns"
    first, _, third = trials(home, "finite")
    assert third.duplicate_of == 0
    assert (third.score, dict(third.metrics)) == (first.score, dict(first.metrics))
    run = run_of(home, "finite-0002")
    assert run.data.tags["fmsearch.duplicate_of"] == "0"
    assert run.info.status == "FINISHED"
    assert run.data.metrics["score"] == first.score
    assert not (run.outputs and run.outputs.model_outputs)


def test_a_finite_space_that_is_exhausted_ends_the_study(study, tmp_path) -> None:  # type: ignore[no-untyped-def]
    study(FINITE, "--trials", 100, "--jobs", 2, "--offline")
    found = trials(tmp_path / "mlruns", "finite")
    points = {json.dumps(dict(t.parameters)) for t in found if t.duplicate_of is None}
    assert len(points) == 4
    assert 4 <= len(found) < 100
    assert {t.state for t in found} == {State.COMPLETE}


COLLAPSING = """\
name: finite
model: cnn
engine: optuna
sampler: random
score: {by: validation}
fixed: {epochs: 1, filters_1: 2, filters_2: 2, filters_3: 2, filters_4: 2, dense_units: 0}
parameters:
  depth: {int: [3, 4]}
  convolutions_4: [1, 2]
"""


def test_points_that_are_one_training_exhaust_a_space_together(study, tmp_path) -> None:  # type: ignore[no-untyped-def]
    study(COLLAPSING, "--trials", 40, "--offline")  # with three blocks the fourth says nothing
    found = trials(tmp_path / "mlruns", "finite")
    assert sum(one.duplicate_of is None for one in found) == 3
    assert len(found) < 40


def test_a_network_that_is_too_large_is_told_as_infeasible_without_being_trained(  # type: ignore[no-untyped-def]
    study, tmp_path
) -> None:
    points = "published: [{hidden_units: 4, optimizer: adam}, {hidden_units: 8, optimizer: adam}]\n"
    study(FINITE + "constraints: {parameters: {at_most: 4000}}\n" + points, "--trials", 2)
    home = tmp_path / "mlruns"
    small, large = trials(home, "finite")
    assert (small.state, large.state) == (State.COMPLETE, State.PRUNED)
    assert large.reason == "infeasible: 6,370 parameters are more than 4,000"
    constraints = [trial.constraints for trial in stored(home, "finite").frozen()]
    assert constraints == [{"parameters": 3190.0 - 4000}, {"parameters": 6370.0 - 4000}]
    run = run_of(home, "finite-0001")
    assert run.info.status == "KILLED"
    assert run.data.metrics["parameters"] == 6370
    assert "train_loss" not in run.data.metrics


def test_a_study_of_two_objectives_has_a_pareto_front(study, tmp_path) -> None:  # type: ignore[no-untyped-def]
    space = SMALL.replace("dropout_rate: {float: [0.0, 0.5]}", "hidden_units: [4, 32]")
    space = space.replace(", hidden_units: 16", "")
    study(space + "objectives: {score: maximize, parameters: minimize}\n", "--trials", 4)
    home = tmp_path / "mlruns"
    optuna_study = stored(home, "small").study()
    assert [one.name for one in optuna_study.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert all(trial.values[1] > 784 * 4 for trial in optuna_study.trials)
    (run,) = runs(home, "study")
    assert "pareto_front.png" in artifacts(home, run, "figures/search")


def test_only_the_models_of_the_best_trials_are_kept_and_the_others_runs_say_so(  # type: ignore[no-untyped-def]
    study, tmp_path
) -> None:
    study(SMALL, "--trials", 5, "--keep-models", "best:2")
    home = tmp_path / "mlruns"
    found = trials(home, "small")
    best = sorted(found, key=lambda t: (-(t.score or 0), t.number))[:2]
    client = client_of(home)
    models = client.search_logged_models([run_of(home, "small-0000").info.experiment_id])
    kept = {model.tags["fmsearch.trial"] for model in models}
    assert kept == {str(trial.number) for trial in best}
    said = {run.info.run_name for run in runs(home) if "fmsearch.model" in run.data.tags}
    assert said == {f"small-{t.number:04d}" for t in found if t not in best}
    assert len(list((home / "artifacts").rglob("model.keras"))) == 2


def test_a_trial_whose_loss_is_no_number_fails_with_that_reason_and_the_study_goes_on(  # type: ignore[no-untyped-def]
    study, tmp_path
) -> None:
    # A decay of 99 * 0.99 a step: weights grow by 97 with each, until they overflow.
    space = FINITE.replace("optimizer: [adam, sgd]", "learning_rate: [99, 0.01]")
    space = space.replace("layers: 1", "optimizer: adamw, weight_decay: 0.99, batch_size: 4")
    good, bad = "hidden_units: 4, learning_rate: 0.01", "hidden_units: 4, learning_rate: 99"
    points = f"published: [{{{bad}}}, {{{good}}}]\n"
    study(space + points, "--trials", 2)
    home = tmp_path / "mlruns"
    failed, complete = trials(home, "finite")
    assert (failed.state, complete.state) == (State.FAILED, State.COMPLETE)
    assert failed.reason.startswith("the loss is nan in epoch ")
    run = run_of(home, "finite-0000")
    assert (run.info.status, run.data.tags["fmsearch.error"]) == ("FAILED", failed.reason)


def test_a_study_ends_when_its_target_is_reached(study, tmp_path) -> None:  # type: ignore[no-untyped-def]
    study(SMALL, "--trials", 50, "--jobs", 2, "--target-score", "0.05", "--offline")
    found = trials(tmp_path / "mlruns", "small")
    assert 1 <= len(found) <= 3  # the first one has it; two trainers were at work
    assert all(trial.state.finished for trial in found)


def test_a_study_can_begin_without_the_published_points(study, tmp_path) -> None:  # type: ignore[no-untyped-def]
    space = SMALL + "published: [{dropout_rate: 0.17, optimizer: adam}]\n"
    study(space, "--trials", 1, "--offline", home="with")
    study(space, "--trials", 1, "--offline", "--enqueue", "nothing", home="without")
    first = [dict(trials(tmp_path / home, "small")[0].parameters) for home in ("with", "without")]
    assert first[0] == {"dropout_rate": 0.17, "optimizer": "adam"} != first[1]


def test_a_study_begins_no_trial_after_its_time(study, tmp_path) -> None:  # type: ignore[no-untyped-def]
    study(SMALL, "--trials", 1000, "--jobs", 2, "--timeout", "4s", "--offline")
    found = trials(tmp_path / "mlruns", "small")
    assert 2 <= len(found) < 1000
    assert all(trial.state.finished for trial in found)
