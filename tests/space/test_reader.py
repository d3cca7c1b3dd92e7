"""The reader of spaces: every key and every form of a value."""

import pytest

from fmsearch.models.settings import Scoring
from fmsearch.search.space.load import read_space
from fmsearch.search.space.parameters import Choice, FloatInterval, IntInterval, Parameter

from .texts import EVERYTHING, GOOD, OPTUNA, changed


def test_a_number_that_yaml_reads_as_text_is_a_number() -> None:
    text = GOOD.replace("batch_size: [64, 128]", "dropout_rate: [1e-1, 0, 0.5]")
    assert read_space(text, "mine").parameters["dropout_rate"].domain == Choice((0.1, 0.0, 0.5))


WRITTEN_AS_TEXT = {
    "parameters: {weight_decay: {float: [1e-4, 1e-2]}}\n": FloatInterval(0.0001, 0.01),
    "parameters: {weight_decay: {choices: [1e-4, 0.01]}}\n": Choice((0.0001, 0.01)),
    "parameters: {weight_decay: [1e-4, 0]}\n": Choice((0.0001, 0.0)),
}


@pytest.mark.parametrize(("change", "expected"), WRITTEN_AS_TEXT.items())
def test_1e_4_is_a_number_wherever_values_are_written(
    change: str, expected: Choice | FloatInterval
) -> None:
    space = read_space(changed(OPTUNA, change), "mine")
    assert space.parameters["weight_decay"].domain == expected


def test_1e_4_is_a_number_in_fixed() -> None:
    space = read_space(changed(OPTUNA, "fixed: {weight_decay: 1e-4}\n"), "mine")
    assert dict(space.fixed) == {"weight_decay": 0.0001}


@pytest.mark.parametrize("written", ["1e-4", "0", "0.25"])
def test_a_number_of_a_published_point_is_read_as_its_parameters_are(written: str) -> None:
    change = f"published: [{{layers: 1, dropout_rate: {written}}}]\n"
    (point,) = read_space(changed(OPTUNA, change), "mine").published
    assert (point["dropout_rate"], type(point["dropout_rate"])) == (float(written), float)


@pytest.mark.parametrize("written", ["1e-1", "0.1", "0"])
def test_a_number_of_a_condition_is_read_as_its_parameters_are(written: str) -> None:
    parameters = (
        f"dropout_rate: [1e-1, 0], layers: {{int: [1, 2], when: {{dropout_rate: {written}}}}}"
    )
    space = read_space(changed(OPTUNA, f"parameters: {{{parameters}}}\n"), "mine")
    assert space.parameters["layers"].applies({"dropout_rate": float(written)})


def test_every_key_of_an_optuna_space_is_read() -> None:
    space = read_space(EVERYTHING, "everything.yaml")
    assert (space.name, space.model, space.engine) == ("everything", "cnn", "optuna")
    assert (space.scoring, space.folds) == (Scoring.CROSS_VALIDATION, 5)
    assert (space.sampler, space.pruner, space.trials) == ("nsga2", "none", 7)
    assert dict(space.objectives) == {"score": "maximize", "parameters": "minimize"}
    assert space.most_parameters == 120_000
    assert dict(space.fixed) == {"epochs": 8, "schedule": "cosine", "warmup_epochs": 2}
    (point,) = space.published
    assert point["filters_1"] == 32
    assert space.text == EVERYTHING


def test_every_form_of_a_parameter_is_read() -> None:
    assert dict(read_space(EVERYTHING, "everything.yaml").parameters) == {
        "depth": Parameter(IntInterval(2, 4)),
        "filters_1": Parameter(IntInterval(16, 64, step=16)),
        "filters_3": Parameter(IntInterval(8, 64, log=True), {"depth": (3, 4)}),
        "filters_4": Parameter(Choice((32, 64)), {"depth": (4,), "filters_1": (16, 32)}),
        "flip": Parameter(Choice((False, True))),
        "dropout_rate": Parameter(FloatInterval(0.0, 0.5)),
        "weight_decay": Parameter(FloatInterval(0.0001, 0.01, log=True)),
    }


def test_an_optuna_space_that_says_little_has_the_documented_defaults() -> None:
    space = read_space(OPTUNA, "mine")
    assert (space.scoring, space.folds) == (Scoring.VALIDATION, 1)
    assert (space.sampler, space.pruner, space.trials) == ("tpe", "median", 50)
    assert dict(space.objectives) == {"score": "maximize"}
    assert (space.most_parameters, space.published) == (None, ())


@pytest.mark.parametrize(
    ("change", "pruner"),
    [
        ("score: {by: cross_validation, folds: 3}\n", "median"),
        ("objectives: {score: maximize, parameters: minimize}\n", "none"),
    ],
)
def test_the_default_pruner_goes_with_what_is_scored(change: str, pruner: str) -> None:
    assert read_space(changed(OPTUNA, change), "mine").pruner == pruner


def test_a_grid_has_no_number_of_trials_but_its_points() -> None:
    space = read_space(GOOD, "mine")
    assert (space.trials, space.size) == (None, 2)


def test_whole_numbers_end_with_the_last_step_that_fits() -> None:
    text = changed(OPTUNA, "parameters: {hidden_units: {int: [32, 100], step: 32}}\n")
    domain = read_space(text, "mine").parameters["hidden_units"].domain
    assert domain == IntInterval(32, 96, step=32)


def test_a_published_point_leaves_out_what_does_not_apply_to_it() -> None:
    text = EVERYTHING.replace("- {depth: 2,", "- {depth: 3, filters_3: 64,")
    (point,) = read_space(text, "everything.yaml").published
    assert "filters_4" not in point


def test_a_users_own_model_has_parameters_of_any_name_and_the_trainings_own() -> None:
    parameters = "width: {int: [1, 9]}, rate: {float: [-1, 1e-4]}, kind: [a, 2, true]"
    change = f"model: nets:build\nfixed: {{cut: w, epochs: 3}}\nparameters: {{{parameters}}}\n"
    space = read_space(changed(OPTUNA, change), "mine")
    assert (space.model, dict(space.fixed)) == ("nets:build", {"cut": "w", "epochs": 3})
    assert dict(space.parameters) == {
        "width": Parameter(IntInterval(1, 9)),
        "rate": Parameter(FloatInterval(-1.0, 0.0001)),
        "kind": Parameter(Choice(("a", 2, True))),
    }
