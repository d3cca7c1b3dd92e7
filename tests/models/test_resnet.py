"""Residual networks: their sizes, their layers, and what stochastic depth drops."""

from __future__ import annotations

import numpy as np
import pytest

from fmsearch.models.dropout import Dropout, rates_of
from fmsearch.models.families import FAMILIES
from fmsearch.models.quiet_tensorflow import keras, tf
from fmsearch.models.resnet import fault
from fmsearch.models.settings import Value

RESNET = FAMILIES["resnet"]


def make(shape: tuple[int, ...] = (28, 28), classes: int = 10, **settings: Value) -> keras.Model:
    return RESNET.make(shape, classes, RESNET.complete(settings))


def test_a_network_of_20_layers_has_the_published_number_of_parameters() -> None:
    # He et al. 2015 (arXiv 1512.03385) give 0.27 million for CIFAR-10, with shortcuts of identity.
    model = make((32, 32, 3), stages=3, blocks=3, width=16)
    kernels = [one for one in model.trainable_variables if one.path.endswith("kernel")]
    convolutions = [one for one in kernels if len(one.shape) == 4 and one.shape[0] == 3]
    assert len(convolutions) == 19
    assert sum(np.prod(one.shape) for one in convolutions) == 267_696
    assert 270_000 <= model.count_params() <= 276_000


@pytest.mark.parametrize(
    ("stages", "shape"), [(1, (28, 28, 8)), (2, (14, 14, 16)), (3, (7, 7, 32))]
)
def test_each_further_stage_halves_the_sides_and_doubles_the_maps(
    stages: int, shape: tuple[int, ...]
) -> None:
    model = make(stages=stages, width=8)
    sums = [one for one in model.layers if isinstance(one, keras.layers.Add)]
    assert len(sums) == stages
    assert sums[-1].output.shape[1:] == shape


def test_the_last_block_is_dropped_most_and_only_where_it_is_asked_for() -> None:
    assert rates_of(make(stages=2, blocks=2)) == []
    rates = rates_of(make(stages=2, blocks=2, stochastic_depth=0.4))
    np.testing.assert_allclose(rates, [0.1, 0.2, 0.3, 0.4])


def test_a_block_is_dropped_for_whole_images_in_training_alone() -> None:
    inputs = keras.Input((4, 4, 2))
    layer = keras.layers.Dropout(0.25, noise_shape=(None, 1, 1, 1))
    model = keras.Model(inputs, layer(inputs))
    dropout = Dropout(model, tf.Variable(3, dtype=tf.int64))
    dropout.set(5, rates_of(model))
    ones = np.ones((4000, 4, 4, 2), np.float32)
    outputs = np.asarray(model(ones, training=True)).reshape(4000, -1)
    assert (outputs == outputs[:, :1]).all()
    assert set(np.unique(outputs)) == {0, np.float32(1 / 0.75)}
    assert (outputs == 0).mean() == pytest.approx(0.25, abs=0.02)
    np.testing.assert_array_equal(np.asarray(model(ones)), ones)


@pytest.mark.parametrize(("side", "most"), [(1, 1), (2, 2), (3, 2), (28, 5), (64, 7)])
def test_small_images_have_few_stages(side: int, most: int) -> None:
    assert fault({"stages": most}, (side, 100)) == ""
    assert fault({"stages": most + 1}, (100, side)) == (
        f"stages: {most + 1} stages halve the sides of an image {most} times, "
        f"and 100 x {side} pixels allow {most - 1}"
    )


def test_a_colour_image_of_64_pixels_is_taken() -> None:
    assert make((64, 64, 3), classes=4).output.shape == (None, 4)
