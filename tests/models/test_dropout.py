"""Dropout: how much it drops, and that no two masks are the same."""

from pathlib import Path

import numpy as np
import pytest

from fmsearch.models.data import load_training
from fmsearch.models.families import FAMILIES
from fmsearch.models.network import Network, Pixels
from fmsearch.models.quiet_tensorflow import keras, tf
from fmsearch.models.settings import Value

SMALL: dict[str, Value] = {
    "hidden_units": 16,
    "layers": 2,
    "dropout_rate": 0.3,
    "batch_size": 64,
}
SMALL_CNN: dict[str, Value] = {
    "depth": 2,
    "filters_1": 4,
    "filters_2": 4,
    "batch_norm": "each",
    "norm_block": 1,
    "dense_units": 8,
    "dense_dropout": 0.2,
    "batch_size": 64,
}


@pytest.fixture(scope="module")
def pixels(images: Path) -> Pixels:
    return Pixels(load_training(str(images)), classes=10)


def make_network(pixels: Pixels, family: str = "mlp", **settings: Value) -> Network:
    known = SMALL if family == "mlp" else SMALL_CNN
    return Network(pixels, FAMILIES[family], FAMILIES[family].complete({**known, **settings}))


def test_dropout_drops_the_asked_share_and_keeps_the_mean(pixels: Pixels) -> None:
    network = make_network(pixels, hidden_units=64)
    network.initialize(3, np.arange(500, dtype=np.int32), epochs=1)
    (layer, _) = [one for one in network.model.layers if isinstance(one, keras.layers.Dropout)]
    dropped = np.array(layer(tf.ones([2000, 64]), training=True))
    # 128,000 draws at rate 0.3: one standard deviation of the share is 0.0013.
    assert np.mean(dropped == 0) == pytest.approx(0.3, abs=0.006)
    np.testing.assert_allclose(np.unique(dropped), [0, 1 / 0.7], rtol=1e-4)  # 16-bit rates
    rows = (dropped == 0).astype(float)
    # Rows are independent: their correlation has a standard deviation of 1/8 over 64 units.
    assert abs(np.corrcoef(rows[:200])[np.triu_indices(200, 1)].mean()) < 0.01
    assert np.array(layer(tf.ones([4, 64]), training=False)).tolist() == np.ones((4, 64)).tolist()


def test_masks_differ_from_step_to_step_and_layer_to_layer(pixels: Pixels) -> None:
    network = make_network(pixels, hidden_units=64)
    network.initialize(3, np.arange(500, dtype=np.int32), epochs=1)
    first, second = (one for one in network.model.layers if isinstance(one, keras.layers.Dropout))
    ones = tf.ones([100, 64])
    before = np.array(first(ones, training=True))
    assert not np.array_equal(before, np.array(second(ones, training=True)))
    network._optimizer.iterations.assign_add(1)
    assert not np.array_equal(before, np.array(first(ones, training=True)))
