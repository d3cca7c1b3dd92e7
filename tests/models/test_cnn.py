"""Convolutional networks: the published ones, and every shape that images may have."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from fmsearch.models.cnn import MOST_BLOCKS, fault
from fmsearch.models.data import load_training
from fmsearch.models.families import FAMILIES
from fmsearch.models.network import Network, Pixels
from fmsearch.models.quiet_tensorflow import keras
from fmsearch.models.settings import Value
from fmsearch.models.split import Fold
from fmsearch.models.training import fit

CNN = FAMILIES["cnn"]
CNN_1 = {
    "depth": 2, "filters_1": 32, "filters_2": 32, "dense_units": 64, "batch_norm": "none",
}  # fmt: skip
CNN_2 = {
    "depth": 3, "filters_1": 32, "filters_2": 64, "filters_3": 128, "convolutions_3": 2,
    "norm_block": 2, "dropout_from": 2, "dropout_rate": 0.2, "dense_units": 512,
    "dense_dropout": 0.3,
}  # fmt: skip
CNN_3 = {"depth": 3, "filters_1": 32, "filters_2": 64, "filters_3": 128, "dense_units": 128}
CNN_4 = {
    "depth": 4, "filters_1": 32, "filters_2": 32, "filters_3": 64, "filters_4": 128,
    "dense_units": 128,
}  # fmt: skip
SMALL = {"filters_1": 4, "filters_2": 4, "filters_3": 4, "filters_4": 4, "dense_units": 8}


def make(
    settings: Mapping[str, Value], shape: tuple[int, ...] = (28, 28), classes: int = 10
) -> keras.Model:
    return CNN.make(shape, classes, CNN.complete(settings))


def names(model: keras.Model) -> list[str]:
    return [type(layer).__name__ for layer in model.layers]


def size(variables: list[keras.Variable]) -> int:
    return sum(int(np.prod(variable.shape)) for variable in variables)


@pytest.mark.parametrize(
    ("settings", "total", "trainable", "other"),
    [
        pytest.param(CNN_1, 110_634, 110_634, 0, id="cnn_1"),
        pytest.param(CNN_2, 840_586, 838_154, 2_432, id="cnn_2"),
        pytest.param(CNN_3, 246_154, 243_850, 2_304, id="cnn_3"),
        pytest.param(CNN_4, 120_234, 119_978, 256, id="cnn_4"),
    ],
)
def test_the_published_networks_have_the_published_numbers_of_parameters(
    settings: Mapping[str, Value], total: int, trainable: int, other: int
) -> None:
    model = make(settings)
    assert model.count_params() == total
    assert size(model.trainable_variables) == trainable
    # Keras counts the seed states of its dropout layers as variables, not as parameters.
    assert size(model.non_trainable_weights) == other


def test_cnn_2_has_the_published_layers_in_order() -> None:
    assert names(make(CNN_2)) == [
        *("InputLayer", "Rescaling", "Reshape"),
        *("Conv2D", "MaxPooling2D"),
        *("Conv2D", "MaxPooling2D", "Dropout", "BatchNormalization"),
        *("Conv2D", "Conv2D", "MaxPooling2D", "Dropout"),
        *("Flatten", "BatchNormalization", "Dense", "Dropout", "Dense"),
    ]


DROPPED = {"dropout_rate": 0.2, "dense_dropout": 0.3}


@pytest.mark.parametrize(("settings", "blocks"), [(CNN_3, 3), (CNN_4, 4)])
def test_cnn_3_and_cnn_4_have_the_published_layers_in_order(
    settings: Mapping[str, Value], blocks: int
) -> None:
    model = make({**settings, **DROPPED})
    assert names(model) == [
        *("InputLayer", "Rescaling", "Reshape"),
        *("Conv2D", "MaxPooling2D", "Dropout") * blocks,
        *("Flatten", "BatchNormalization", "Dense", "Dropout", "Dense"),
    ]
    activations = [
        layer.activation.__name__
        for layer in model.layers
        if layer.weights[2:] == [] and hasattr(layer, "activation")
    ]
    assert activations == ["relu"] * (blocks + 1) + ["softmax"]


def test_normalization_of_each_layer_stands_between_it_and_its_relu() -> None:
    settings = {"batch_norm": "each", "head": "average", "depth": 2, "convolutions_2": 2}
    normed = ("BatchNormalization", "ReLU")
    assert names(make({**SMALL, **settings})) == [
        *("InputLayer", "Rescaling", "Reshape"),
        *("Conv2D", *normed, "MaxPooling2D"),
        *("Conv2D", *normed, "Conv2D", *normed, "MaxPooling2D"),
        *("GlobalAveragePooling2D", "Dense", *normed, "Dense"),
    ]


def test_a_network_without_a_dense_layer_goes_from_maps_to_outputs() -> None:
    model = make({**SMALL, "depth": 1, "dense_units": 0, "batch_norm": "none", "head": "average"})
    assert names(model)[-2:] == ["GlobalAveragePooling2D", "Dense"]
    assert model.count_params() == (9 * 4 + 4) + (4 * 10 + 10)


@pytest.mark.parametrize(
    ("shape", "deepest"), [((28, 28), 4), ((8, 8), 3), ((32, 32, 3), 5), ((28, 9, 3), 3)]
)
def test_images_bear_every_depth_up_to_the_deepest(shape: tuple[int, ...], deepest: int) -> None:
    faults = [fault({"depth": depth}, shape) for depth in range(1, MOST_BLOCKS + 2)]
    assert [bool(one) for one in faults] == [depth > deepest for depth in range(1, MOST_BLOCKS + 2)]
    assert faults[deepest] == (
        f"depth: {deepest + 1} blocks halve the sides of an image {deepest + 1} times, "
        f"and {shape[0]} x {shape[1]} pixels allow {deepest}"
    )
    images = np.random.default_rng(0).integers(0, 256, (2, *shape), np.uint8)
    for depth in range(1, deepest + 1):
        answers = np.array(make({**SMALL, "filters_5": 4, "depth": depth}, shape)(images))
        np.testing.assert_allclose(answers.sum(axis=1), 1, rtol=1e-5)  # float32 probabilities


@pytest.mark.parametrize(("shape", "deepest"), [((28, 28), 4), ((8, 8), 3), ((12, 7, 3), 2)])
def test_keras_cannot_build_what_is_refused(shape: tuple[int, ...], deepest: int) -> None:
    with pytest.raises(ValueError, match="output size would be zero or negative"):
        make({**SMALL, "depth": deepest + 1}, shape)


def test_outputs_are_float32_probabilities_of_26_classes() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8)
    answers = np.array(make(SMALL, classes=26)(images))
    assert (answers.shape, answers.dtype) == ((3, 26), np.float32)
    assert (answers >= 0).all()
    np.testing.assert_allclose(answers.sum(axis=1), 1, rtol=1e-5)  # float32 probabilities


def test_settings_of_absent_blocks_are_idle() -> None:
    known = set(CNN.settings)
    idle = {f"{name}_{block}" for name in ("filters", "convolutions") for block in (3, 4, 5)}
    assert set(CNN.complete({"depth": 2})) == known - idle
    assert set(CNN.complete({"depth": 5})) == known
    assert CNN.complete({"depth": 2, "filters_3": 7}) == CNN.complete({"depth": 2})
    assert CNN.complete({"depth": 3, "filters_3": 7})["filters_3"] == 7


def test_a_small_network_learns_from_real_images(images: Path) -> None:
    rows = np.random.default_rng(0).permutation(2400).astype(np.int32)
    settings = {**SMALL, "filters_1": 8, "depth": 2, "learning_rate": 0.01, "batch_size": 50}
    network = Network(Pixels(load_training(str(images)), 10), CNN, CNN.complete(settings))
    *_, (last, _) = fit(network, Fold(rows[:1000], rows[1000:1500]), 1, epochs=3)
    assert last.val_accuracy is not None
    assert last.val_accuracy > 0.5  # ten classes; guessing has 0.1
