"""Perceptrons: the published ones."""

import pytest

from fmsearch.models.families import FAMILIES
from fmsearch.models.settings import Value


@pytest.mark.parametrize(
    ("settings", "count"),
    [
        ({"layers": 2}, 109_386),
        ({"layers": 1}, 101_770),
        # Each normalization has four numbers a unit in place of a bias.
        ({"layers": 2, "batch_norm": True}, 109_386 + 3 * (128 + 64)),
        ({"layers": 3}, 109_386 + (64 * 32 + 32) - (64 - 32) * 10),
        ({"layers": 4}, 109_386 + (64 * 32 + 32) + (32 * 16 + 16) - (64 - 16) * 10),
    ],
)
def test_the_published_perceptrons_have_the_published_numbers_of_parameters(
    settings: dict[str, Value], count: int
) -> None:
    mlp = FAMILIES["mlp"]
    published = mlp.complete({"hidden_units": 128, "dropout_rate": 0.2, **settings})
    assert mlp.make((28, 28), 10, published).count_params() == count
