"""The spaces that come with fmsearch: what they search, and from where."""

from __future__ import annotations

import pytest

from fmsearch.search.space.load import load_space

ONE = {"score": "maximize"}
TWO = {"score": "maximize", "parameters": "minimize"}
TRAINING = {"dropout_rate", "learning_rate", "weight_decay", "label_smoothing"}
BLOCKS = {"depth", "filters_1", "filters_2", "filters_3", "filters_4", "convolutions_2"}
CNN = {*TRAINING, *BLOCKS, "convolutions_3", "batch_norm", "head", "dense_units", "dense_dropout"}


@pytest.mark.parametrize(
    ("name", "searched", "objectives", "most", "begins_with"),
    [
        ("mlp", {*TRAINING, "layers", "hidden_units", "batch_size", "optimizer", "momentum",
                 "batch_norm", "flip"}, ONE, None, [109_386]),
        ("cnn", {*CNN, "flip"}, ONE, None, [246_154, 120_234]),
        ("resnet", {"stages", "blocks", "width", "stochastic_depth", "learning_rate",
                    "weight_decay", "label_smoothing", "flip"}, ONE, None, [78_042]),
        ("cnn_pareto", {*CNN, "flip"}, TWO, None, [246_154, 120_234]),
        ("cnn_small", {*CNN, "convolutions_1", "shift", "erase"}, ONE, 120_234, [120_234, 110_378]),
    ],
)  # fmt: skip
def test_a_built_in_space_searches_what_its_name_says_from_what_is_known(
    name: str,
    searched: set[str],
    objectives: dict[str, str],
    most: int | None,
    begins_with: list[int],
) -> None:
    space = load_space(name)
    assert space.engine == "optuna"
    assert set(space.parameters) == searched
    assert dict(space.objectives) == objectives
    assert space.most_parameters == most
    settings = [space.settings(point) for point in space.published]
    networks = [space.family.make((28, 28), 10, one) for one in settings]
    assert [network.count_params() for network in networks] == begins_with
