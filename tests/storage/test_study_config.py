"""What a study is: what makes it another one, and records that are refused."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest

from fmsearch.errors import FmsearchError
from fmsearch.search.space.load import read_space
from fmsearch.search.space.space import Space
from fmsearch.search.storage.storage import CONFIG_KEY, open_storage
from fmsearch.search.storage.study_config import StudyConfig

VALIDATION = "score: {by: validation}\n"


def space_of(more: str) -> Space:
    text = f"name: mine\nmodel: mlp\nengine: optuna\n{more}parameters: {{layers: [1, 2]}}\n"
    return read_space(text, "mine")


TEXT = space_of(VALIDATION).text
OTHERS = [
    ({"sampler": "random"}, ["--sampler (random)"]),
    ({"pruner": "none"}, ["--pruner (none)"]),
    ({"lag": 0}, ["answer to --reproducible"]),
    ({"seed": 1, "train_images": 400}, ["seed", "number of --train-images"]),
    ({"data_sha256": "1"}, ["data set"]),
    ({"space": TEXT.replace("[1, 2]", "[1, 3]")}, ["space"]),
    ({"space": f"{TEXT}fixed: {{epochs: 3}}\n"}, ["space"]),
    ({"space": f"{TEXT}constraints: {{parameters: {{at_most: 9}}}}\n"}, ["space"]),
    ({"space": f"{TEXT}trials: 9\nabout: More.\npublished: [{{layers: 1}}]\n"}, []),
    ({"space": f"# Written anew.\n{TEXT}sampler: random\npruner: none\n"}, []),
    ({"data": "moved.npz", "lag": 3, "id": "other"}, []),
]


@pytest.mark.parametrize(("change", "differing"), OTHERS)
def test_a_study_is_another_one_if_its_results_would_be(
    change: dict[str, Any], differing: list[str]
) -> None:
    ours = StudyConfig(
        name="mine",
        space=read_space(TEXT, "mine"),
        data="data.npz",
        data_sha256="0",
        seed=0,
        train_images=None,
        sampler="tpe",
        pruner="median",
        lag=2,
        id="id",
    )
    if "space" in change:
        change = {**change, "space": read_space(change["space"], "mine")}
    assert ours.differences(replace(ours, **change)) == differing


SPACE = """\
name: mine
model: mlp
engine: optuna
score: {by: validation}
parameters: {layers: [1, 2]}
"""
MINE = StudyConfig(
    name="mine",
    space=read_space(SPACE, "mine"),
    data="data.npz",
    data_sha256="0",
    seed=0,
    train_images=None,
    id="0123456789ab",
)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "../../elsewhere"},
        {"name": "another"},
        {"id": "/../../elsewhere"},
        {"id": "..' OR 'a' = 'a"},
        {"id": 7},
    ],
)
def test_a_record_whose_name_would_lead_out_of_the_outbox_is_refused(
    change: dict[str, Any],
) -> None:
    assert StudyConfig.of("mine", MINE.to_store()) == MINE
    with pytest.raises(FmsearchError, match="the record of the study 'mine' is damaged"):
        StudyConfig.of("mine", {**MINE.to_store(), **change})


def test_a_storage_with_such_a_study_ends_in_one_line(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    name = "../../elsewhere"
    study = optuna.create_study(storage=url, study_name=name)
    study.set_user_attr(CONFIG_KEY, {**MINE.to_store(), "name": name})
    with pytest.raises(FmsearchError, match=re.escape(f"study {name!r} is damaged")):
        list(open_storage(url).studies())
