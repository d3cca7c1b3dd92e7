"""Spaces: how many points they have, and the settings of a point."""

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fmsearch.errors import FmsearchError
from fmsearch.models.data import DataSet
from fmsearch.models.settings import Value
from fmsearch.search.space.fit import check_fit
from fmsearch.search.space.load import load_space, read_space
from fmsearch.search.space.space import Space


def space_of(parameters: str, model: str = "mlp", more: str = "") -> Space:
    head = f"name: mine\nmodel: {model}\nengine: optuna\nscore: {{by: validation}}\n"
    return read_space(f"{head}parameters: {{{parameters}}}\n{more}", "mine")


POINTS = {
    "layers: [1, 2, 4]": 3,
    "layers: {int: [1, 3]}, batch_norm: [false, true]": 6,
    "hidden_units: {int: [32, 128], step: 32}": 4,
    "hidden_units: {int: [1, 64], log: true}": 64,
    "dropout_rate: {float: [0.1, 0.1]}, layers: [1, 2]": 2,
    "dropout_rate: {float: [0, 0.5]}": math.inf,
    "layers: [1, 2], dropout_rate: {float: [0, 0.5], when: {layers: 2}}": math.inf,
    # One layer, or two or three layers with either width.
    "layers: {int: [1, 3]}, hidden_units: {choices: [8, 16], when: {layers: [2, 3]}}": 1 + 2 * 2,
    # Constant, or cosine with 0 to 3; either with two batch sizes.
    "schedule: [constant, cosine], warmup_epochs: {int: [0, 3], when: {schedule: cosine}}, "
    "epochs: [8], batch_size: [32, 64]": (1 + 4) * 2,
    # adam; sgd with 0.8; sgd with 0.9 and one or two layers.
    "optimizer: [adam, sgd], momentum: {choices: [0.8, 0.9], when: {optimizer: sgd}}, "
    "layers: {int: [1, 2], when: {momentum: 0.9}}": 1 + 1 + 2,
    # Three of four pairs without a width, one with three.
    "batch_size: [32, 64], layers: [1, 2], "
    "hidden_units: {choices: [8, 16, 24], when: {batch_size: 64, layers: 2}}": 3 + 3,
    # Conditions on what lies between: 2 x (2 + 3) shifts, of which one batch size is wider.
    "flip: [false, true], layers: [1, 2], batch_size: [32, 64], "
    "shift: {int: [0, 2], when: {flip: true}}": 2 * 2 * (1 + 3),
}


@pytest.mark.parametrize(("parameters", "size"), POINTS.items())
def test_a_spaces_size_is_the_number_of_its_different_points(parameters: str, size: float) -> None:
    assert space_of(parameters).size == size


@st.composite
def conditional_spaces(draw: st.DrawFn) -> str:
    """Parameters p0 to p3 of a user's own model, each of which may ask for an earlier one's."""
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=4))
    parts = []
    for index, size in enumerate(sizes):
        asked = draw(st.sets(st.integers(0, index - 1))) if index else set()
        whens = [f"p{one}: {draw(st.integers(1, sizes[one]))}" for one in sorted(asked)]
        parts.append(f"p{index}: {{int: [1, {size}], when: {{{', '.join(whens)}}}}}")
    return ", ".join(parts)


def every_point(space: Space) -> list[dict[str, Value]]:
    """All points, one condition after the other."""
    points: list[dict[str, Value]] = [{}]
    for name, parameter in space.parameters.items():
        values = range(1, int(parameter.domain.size) + 1)
        points = [
            {**point, **one}
            for point in points
            for one in ([{name: value} for value in values] if parameter.applies(point) else [{}])
        ]
    return points


def test_large_intervals_under_conditions_are_counted_without_being_walked() -> None:
    millions = "p0: {int: [1, 1000000]}, p1: {int: [1, 1000000], when: {p0: 7}}, "
    space = space_of(millions + "p2: {int: [1, 3], when: {p1: 5}}", model="mine:build")
    assert space.size == (1_000_000 - 1) + (1_000_000 - 1) + 3


@settings(deadline=None)
@given(conditional_spaces())
def test_a_space_is_as_large_as_the_list_of_its_points(parameters: str) -> None:
    space = space_of(parameters, model="mine:build")
    points = every_point(space)
    assert space.size == len(points) == len({tuple(point.items()) for point in points})


@pytest.mark.parametrize(
    ("name", "size"), [("mlp_grid", 32), ("mlp_grid_2", 12), ("mlp", math.inf), ("cnn", math.inf)]
)
def test_a_built_in_space_has_the_size_that_it_is_listed_with(name: str, size: float) -> None:
    assert load_space(name).size == size


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
def test_settings_leave_out_the_blocks_that_a_network_has_not(depth: int) -> None:
    space = space_of("depth: {int: [1, 5]}, filters_4: [32, 64]", model="cnn")
    complete = space.settings({"depth": depth, "filters_4": 64})
    for block in (1, 2, 3, 4, 5):
        assert (f"filters_{block}" in complete) == (block <= depth)
        assert (f"convolutions_{block}" in complete) == (block <= depth)
    assert complete.get("filters_4", 64) == 64


def test_points_that_differ_in_idle_blocks_are_the_same_training() -> None:
    space = space_of("depth: {int: [2, 4]}, filters_4: [32, 64]", model="cnn")
    points = [{"depth": 3, "filters_4": filters} for filters in (32, 64)]
    assert space.settings(points[0]) == space.settings(points[1])
    deep = [{**point, "depth": 4} for point in points]
    assert space.settings(deep[0]) != space.settings(deep[1])


def test_settings_are_what_is_searched_what_is_fixed_and_else_the_default() -> None:
    space = space_of("layers: [1, 2]", more="fixed: {hidden_units: 32, optimizer: sgd}\n")
    complete = space.settings({"layers": 1})
    assert (complete["layers"], complete["hidden_units"], complete["dropout_rate"]) == (1, 32, 0.0)
    assert (complete["optimizer"], complete["learning_rate"]) == ("sgd", 0.01)


def test_trials_of_a_constant_rate_share_a_training_whatever_their_epochs() -> None:
    space = space_of("epochs: [4, 8], layers: [1, 2]")
    short, long = (
        space.training({"epochs": 4, "layers": 1}),
        space.training({"epochs": 8, "layers": 1}),
    )
    assert short == long
    assert "epochs" not in short
    assert space.training({"epochs": 4, "layers": 2}) != short


def test_trials_under_a_cosine_share_no_training_if_their_epochs_differ() -> None:
    space = space_of("epochs: [4, 8]", more="fixed: {schedule: cosine}\n")
    assert space.training({"epochs": 4})["epochs"] == 4
    assert space.training({"epochs": 8})["epochs"] == 8


def test_whether_epochs_belong_to_a_training_is_seen_point_by_point() -> None:
    space = space_of("schedule: [constant, cosine], epochs: [4, 8]")
    assert "epochs" not in space.training({"schedule": "constant", "epochs": 4})
    assert "epochs" in space.training({"schedule": "cosine", "epochs": 4})


def data_of(*shape: int) -> DataSet:
    return DataSet(
        name="tiny",
        spec="tiny.npz",
        sha256="0" * 64,
        class_names=("a", "b"),
        train_counts=(4, 4),
        test_counts=(4, 4),
        image_shape=shape,
    )


NETS = """\
import keras

def build(input_shape, classes, width=8, *, slope=0.1):
    given = (*input_shape, classes, width, int(10 * slope))
    flat, softmax = keras.layers.Flatten(), keras.layers.Dense(classes, "softmax")
    layers = [keras.Input(input_shape), flat, softmax]
    return keras.Sequential(layers, name="x_" + "_".join(map(str, given)))
"""


def test_a_users_own_model_takes_what_is_no_setting_of_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "users_nets.py").write_text(NETS)
    monkeypatch.syspath_prepend(str(tmp_path))
    space = space_of("width: {int: [1, 9]}, batch_size: [32]", "users_nets:build")
    complete = space.settings({"width": 4, "batch_size": 32})
    assert set(space.family.architecture) == {"width"}
    assert (complete["width"], complete["batch_size"], complete["optimizer"]) == (4, 32, "adam")
    assert "slope" not in complete  # its default is the function's own
    assert space.family.make((8, 8), 2, complete).name == "x_8_8_2_4_1"


def test_a_space_is_read_and_checked_without_loading_its_users_own_model() -> None:
    space = space_of("width: {int: [1, 9]}", "nowhere.at_all:build")
    check_fit(space, data_of(8, 8))
    assert space.settings({"width": 3})["width"] == 3
    with pytest.raises(FmsearchError, match="ModuleNotFoundError: No module named 'nowhere'"):
        space.family.make((8, 8), 2, {"width": 3})
