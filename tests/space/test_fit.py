"""Whether a space fits the images: networks that are too deep are refused."""

import pytest

from fmsearch.errors import FmsearchError
from fmsearch.models.data import DataSet
from fmsearch.search.space.fit import check_fit, example_point
from fmsearch.search.space.load import load_space, read_space, space_names
from fmsearch.search.space.space import Space


def space_of(parameters: str, model: str = "mlp", more: str = "") -> Space:
    head = f"name: mine\nmodel: {model}\nengine: optuna\nscore: {{by: validation}}\n"
    return read_space(f"{head}parameters: {{{parameters}}}\n{more}", "mine")


def test_an_example_of_a_space_is_its_first_or_lowest_point() -> None:
    space = space_of(
        "depth: {int: [2, 4]}, filters_3: {choices: [32, 64], when: {depth: 3}}, head: [average], "
        "dropout_rate: {float: [0.1, 0.5]}",
        model="cnn",
    )
    assert example_point(space) == {"depth": 2, "head": "average", "dropout_rate": 0.1}


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


@pytest.mark.parametrize("name", space_names())
def test_a_built_in_space_fits_fashion_mnist(name: str) -> None:
    check_fit(load_space(name), data_of(28, 28))


DEEPEST = [((28, 28), 4), ((32, 32, 3), 5), ((8, 8), 3), ((9, 9), 3), ((15, 64), 3), ((2, 2), 1)]


@pytest.mark.parametrize(("shape", "deepest"), DEEPEST)
def test_each_block_halves_the_smaller_side_of_an_image(
    shape: tuple[int, ...], deepest: int
) -> None:
    check_fit(space_of(f"depth: [{deepest}]", model="cnn"), data_of(*shape))
    if deepest < 5:
        with pytest.raises(FmsearchError, match="does not fit tiny: depth: "):
            check_fit(space_of(f"depth: [{deepest + 1}]", model="cnn"), data_of(*shape))


TOO_DEEP = [
    ("depth: [4, 2]", ""),
    ("depth: {int: [1, 4]}", ""),
    ("filters_1: [32]", "fixed: {depth: 4}\n"),
    ("flip: [false, true], depth: {int: [1, 4], when: {flip: true}}", ""),
    ("head: [flatten, average], depth: {int: [1, 4], when: {head: average}}", ""),
]


@pytest.mark.parametrize(("parameters", "more"), TOO_DEEP)
def test_a_depth_too_large_for_the_images_is_refused_in_one_line(
    parameters: str, more: str
) -> None:
    with pytest.raises(FmsearchError) as caught:
        check_fit(space_of(parameters, "cnn", more), data_of(8, 8))
    assert str(caught.value) == (
        "the space 'mine' does not fit tiny: depth: 4 blocks halve the sides of an image 4 times, "
        "and 8 x 8 pixels allow 3"
    )


def test_the_default_depth_is_checked_as_well() -> None:
    with pytest.raises(FmsearchError, match="depth: 3 blocks"):
        check_fit(space_of("filters_1: [32]", model="cnn"), data_of(7, 28))


def test_a_perceptron_takes_images_of_any_size() -> None:
    check_fit(load_space("mlp"), data_of(1, 3))
