"""Space files: found by name or path, read, and refused if they are no space at all."""

from pathlib import Path

import pytest

from fmsearch.errors import FmsearchError
from fmsearch.search.space.load import load_space, read_space, space_names
from fmsearch.search.space.parameters import Choice, Parameter

GOOD = """\
name: mine
model: mlp
engine: keras_tuner
score: {by: cross_validation, folds: 3}
parameters: {batch_size: [64, 128]}
"""


def test_the_published_grid_has_32_points_over_3_folds() -> None:
    space = load_space("mlp_grid")
    assert (space.size, space.folds) == (32, 3)
    assert dict(space.parameters) == {
        "batch_size": Parameter(Choice((64, 128))),
        "dropout_rate": Parameter(Choice((0.2, 0.3))),
        "epochs": Parameter(Choice((10, 20))),
        "hidden_units": Parameter(Choice((64, 128))),
        "optimizer": Parameter(Choice(("adam", "rmsprop"))),
    }


def test_the_second_published_grid_has_12_points_of_a_network_with_one_layer() -> None:
    space = load_space("mlp_grid_2")
    assert space.size == 12
    settings = space.settings({"batch_size": 128, "epochs": 20, "optimizer": "adam"})
    assert (settings["layers"], settings["hidden_units"], settings["dropout_rate"]) == (1, 128, 0)


@pytest.mark.parametrize("name", space_names())
def test_a_built_in_space_carries_the_name_of_its_file(name: str) -> None:
    assert load_space(name).name == name


@pytest.mark.parametrize("name", space_names())
def test_a_built_in_space_says_what_it_is_and_fits_its_engine(name: str) -> None:
    space = load_space(name)
    assert len(space.about) > 60
    assert space.engine == ("keras_tuner" if "grid" in name else "optuna")
    assert (space.trials is None) == (space.engine == "keras_tuner")


def test_the_cnn_space_begins_with_the_published_networks_of_depth_3_and_4() -> None:
    first, second = load_space("cnn").published
    assert [first[f"filters_{block}"] for block in (1, 2, 3)] == [32, 64, 128]
    assert [second[f"filters_{block}"] for block in (1, 2, 3, 4)] == [32, 32, 64, 128]
    same = first.keys() - {"depth", "filters_2", "filters_3"}
    assert {name: second[name] for name in same} == {name: first[name] for name in same}


def test_the_mlp_space_begins_with_the_published_baseline() -> None:
    space = load_space("mlp")
    (point,) = space.published
    complete = space.settings(point)
    assert (complete["layers"], complete["hidden_units"], complete["optimizer"]) == (2, 128, "adam")
    assert (complete["learning_rate"], complete["weight_decay"]) == (0.001, 0.0)


def test_settings_fill_in_what_a_point_does_not_say() -> None:
    settings = read_space(GOOD, "mine").settings({"batch_size": 64})
    assert settings == {
        "batch_size": 64,
        "epochs": 20,
        "optimizer": "adam",
        "learning_rate": 0.001,
        "momentum": 0.0,
        "weight_decay": 0.0,
        "schedule": "constant",
        "warmup_epochs": 0,
        "label_smoothing": 0.0,
        "class_weight": "none",
        "flip": False,
        "shift": 0,
        "erase": 0.0,
        "hidden_units": 128,
        "layers": 2,
        "batch_norm": False,
        "dropout_rate": 0.0,
    }


@pytest.mark.parametrize(
    ("optimizer", "rate", "decay"),
    [("adam", 0.001, 0.0), ("adamw", 0.001, 0.004), ("rmsprop", 0.001, 0.0), ("sgd", 0.01, 0.0)],
)
def test_learning_rate_and_weight_decay_default_to_the_optimizers_own(
    optimizer: str, rate: float, decay: float
) -> None:
    complete = read_space(GOOD, "mine").settings({"optimizer": optimizer, "batch_size": 64})
    assert (complete["learning_rate"], complete["weight_decay"]) == (rate, decay)


def test_the_example_space_is_one_that_can_be_run() -> None:
    space = load_space(str(Path(__file__).parents[2] / "examples" / "wide_and_narrow.yaml"))
    assert (space.size, space.folds) == (18, 5)


@pytest.mark.parametrize(
    "text", ["", "[1, 2]", "{", "a: b: c", "\0", "- &a [*a]", "!!python/name:os.system"]
)
def test_what_is_no_yaml_mapping_is_refused(text: str) -> None:
    with pytest.raises(FmsearchError):
        read_space(text, "mine.yaml")


def test_an_unknown_space_is_refused_with_a_guess() -> None:
    with pytest.raises(FmsearchError, match="did you mean mlp_grid"):
        load_space("mlp_gird")
