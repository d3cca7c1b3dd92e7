"""Saved views: what MLflow's UI reads in a tag of an experiment."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path

from fmsearch.places import Places
from fmsearch.tracking.saved_views import (
    SavedView,
    curves,
    delete_view,
    metric,
    parallel_coordinates,
    param,
    save_view,
)
from fmsearch.tracking.store import Store

VIEW = SavedView(
    key="abc",
    name="small",
    filter="tags.`a` = 'b'",
    best_by="score",
    columns=[metric("score"), param("units")],
    charts=[parallel_coordinates(["units"], "score"), curves("val_loss", "train_loss")],
    created_at=5,
)


def test_a_view_is_a_tag_in_the_words_of_mlflows_ui() -> None:
    name, value = VIEW.tag
    assert name == "mlflow.sharedViewState.abc"
    written = json.loads(value)
    head, _, packed = written.pop("state").partition(";")
    assert (head, written) == ("deflate", {"name": "small", "createdAt": 5, "updatedAt": 5})
    state = json.loads(zlib.decompress(base64.b64decode(packed)))
    assert state["searchFilter"] == "tags.`a` = 'b'"
    assert (state["orderByKey"], state["orderByAsc"]) == ("metrics.`score`", False)
    assert state["selectedColumns"] == ["metrics.`score`", "params.`units`"]
    assert state["columnOrder"] == state["selectedColumns"]
    assert [one["type"] for one in state["compareRunCharts"]] == ["PARALLEL", "LINE"]
    (section,) = state["compareRunSections"]
    assert {one["metricSectionId"] for one in state["compareRunCharts"]} == {section["uuid"]}


def test_a_view_is_saved_in_place_of_the_former_one_and_deleted(tmp_path: Path) -> None:
    store = Store(Places.of(tmp_path / "mlruns"))

    def saved() -> dict[str, str]:
        tags = store.client.get_experiment(store.experiment_id).tags
        return {name: value for name, value in tags.items() if "sharedViewState" in name}

    for _ in range(2):
        save_view(store, VIEW)
    assert saved() == dict([VIEW.tag])
    for _ in range(2):
        delete_view(store, "abc")
    assert saved() == {}
