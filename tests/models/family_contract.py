"""What every model family keeps: its tests inherit these by naming the family.

class TestMine(FamilyContract):
    family = "mine"
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from fmsearch.models.data import load_training
from fmsearch.models.families import FAMILIES, Family
from fmsearch.models.network import Network, Pixels
from fmsearch.models.randomness import seed_everything
from fmsearch.models.settings import TRAINING, Value

GREY, COLOUR = (28, 28), (32, 32, 3)
CLASSES = 10


class FamilyContract:
    """Inherited by the tests of each family."""

    family: ClassVar[str]

    @property
    def kind(self) -> Family:
        return FAMILIES[self.family]

    @property
    def defaults(self) -> dict[str, Value]:
        """All settings of a network of which nothing is said."""
        return self.kind.complete({})

    def test_its_defaults_are_whole_and_stay_when_completed_again(self) -> None:
        assert {"epochs", "batch_size", "optimizer"} <= self.defaults.keys()
        assert self.defaults.keys() <= {*TRAINING, *self.kind.architecture}
        assert self.kind.complete(self.defaults) == self.defaults

    @pytest.mark.parametrize("shape", [GREY, COLOUR])
    def test_it_takes_raw_images_and_gives_probabilities(self, shape: tuple[int, ...]) -> None:
        assert self.kind.fault(self.defaults, shape) == ""
        model = self.kind.make(shape, CLASSES, self.defaults)
        images = np.random.default_rng(0).integers(0, 256, (3, *shape), np.uint8)
        answers = np.asarray(model(images))
        assert answers.shape == (3, CLASSES)
        assert answers.dtype == np.float32
        np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-5)  # float32 sums of ten

    def test_its_networks_are_plain_keras_models_that_load_again(self, tmp_path: Path) -> None:
        import keras

        model = self.kind.make(GREY, CLASSES, self.defaults)
        model.save(tmp_path / "model.keras")
        again = keras.saving.load_model(tmp_path / "model.keras")
        images = np.random.default_rng(0).integers(0, 256, (3, *GREY), np.uint8)
        np.testing.assert_array_equal(np.asarray(model(images)), np.asarray(again(images)))

    def test_all_its_random_numbers_are_set_by_a_seed(self, images: Path) -> None:
        import keras

        def drawn() -> list[np.ndarray]:
            return self.kind.make(GREY, CLASSES, self.defaults).get_weights()

        seed_everything(self.kind, 3)
        ours = drawn()
        keras.utils.set_random_seed(3)
        for left, right in zip(ours, drawn(), strict=True):
            np.testing.assert_array_equal(left, right)
        pixels = Pixels(load_training(str(images)), CLASSES)
        Network(pixels, replace(self.kind, draws_by_keras=False), self.defaults)  # refuses others

    def test_equal_settings_share_a_graph_and_other_sizes_do_not(self) -> None:
        graph = self.kind.graph(self.defaults)
        assert self.kind.graph(dict(self.defaults)) == graph
        assert self.kind.graph({**self.defaults, "batch_size": 7}) != graph
        assert self.kind.graph({**self.defaults, "learning_rate": 0.5}) == graph
