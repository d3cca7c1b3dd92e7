"""Model families: each keeps the contract; one more is a function and one registration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from fmsearch.models.data import load_training
from fmsearch.models.families import FAMILIES, Family
from fmsearch.models.fold_training import Training, train_and_score
from fmsearch.models.network import Network, Pixels
from fmsearch.models.settings import IntRange, Scoring, Setting
from fmsearch.models.split import Fold
from fmsearch.search.space.load import read_space

from .family_contract import FamilyContract

if TYPE_CHECKING:
    import keras


class TestMlp(FamilyContract):
    family = "mlp"


class TestCnn(FamilyContract):
    family = "cnn"


class TestResnet(FamilyContract):
    family = "resnet"


def linear(input_shape: tuple[int, ...], classes: int, *, copies: int) -> keras.Model:
    """A linear model on several copies of the pixels."""
    import keras

    inputs = keras.Input(input_shape, dtype="uint8")
    pixels = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
    both = keras.layers.Concatenate()([pixels] * copies) if copies > 1 else pixels
    return keras.Model(inputs, keras.layers.Dense(classes, activation="softmax")(both))


def test_one_function_and_one_registration_make_a_family(
    images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FAMILIES, "linear", Family(linear, {"copies": Setting(IntRange(1, 4), 1)}))
    space = read_space(
        "name: mine\nmodel: linear\nengine: optuna\nscore: {by: validation}\n"
        "fixed: {epochs: 2, batch_size: 32}\nparameters: {copies: [1, 2]}\n",
        "mine",
    )
    data = Pixels(load_training(str(images)), 10)
    rows = np.arange(600, dtype=np.int32)
    training = Training(
        folds=[Fold(rows[:400], rows[400:])], seed=0, horizons=[2], scoring=Scoring.VALIDATION
    )
    network = Network(data, space.family, space.settings({"copies": 2}))
    scored = train_and_score(network, training)
    assert network.model.count_params() == (2 * 28 * 28 + 1) * 10
    assert scored.outcomes[2].score > 0.3  # ten classes: chance gives 0.1
