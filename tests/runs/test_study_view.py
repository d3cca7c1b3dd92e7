"""The view of a study: its columns, its charts, its size."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import pytest

from fmsearch.search.runs.study_view import study_view
from fmsearch.search.space.load import load_space, read_space
from fmsearch.search.space.space import Space
from fmsearch.search.storage.study_config import StudyConfig

MOST_CHARACTERS = 5_000
"""Of a tag of an experiment, in MLflow."""


def config(space: Space) -> StudyConfig:
    return StudyConfig(
        name="mine", space=space, data="d", data_sha256="s", seed=0, train_images=None, id="1a"
    )


def state(space: Space) -> dict[str, Any]:
    _, value = study_view(config(space), 0).tag
    packed = json.loads(value)["state"].removeprefix("deflate;")
    read: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(packed)))
    return read


@pytest.mark.parametrize(
    ("space", "numbers"),
    [
        ("mlp_grid", ["score", "score_std"]),
        ("mlp", ["score", "best_epoch"]),
        ("cnn_pareto", ["score", "parameters", "best_epoch"]),
    ],
)
def test_the_trials_of_the_study_have_columns_for_what_was_searched(
    space: str, numbers: list[str]
) -> None:
    shown = state(load_space(space))
    parameters = list(load_space(space).parameters)
    assert shown["selectedColumns"] == [
        *(f"metrics.`{name}`" for name in numbers),
        "tags.`fmsearch.state`",
        *(f"params.`{name}`" for name in parameters),
        "metrics.`train_seconds`",
    ]
    assert (
        shown["searchFilter"]
        == "tags.`fmsearch.study_id` = '1a' and tags.`fmsearch.role` = 'trial'"
    )
    assert shown["compareRunCharts"][0]["selectedParams"] == parameters


def test_a_space_of_many_long_names_fits_into_a_tag() -> None:
    names = "".join(f"  {'x' * 200}_{place}: {{float: [0.0, 1.0]}}\n" for place in range(60))
    space = read_space(
        "name: wide\nmodel: my_models:build\nengine: optuna\nscore: {by: validation}\n"
        f"fixed: {{epochs: 1}}\ntrials: 1\nparameters:\n{names}",
        "wide",
        recorded=True,
    )
    assert len(study_view(config(space), 0).tag[1]) <= MOST_CHARACTERS
