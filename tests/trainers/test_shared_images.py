"""The images of a large data set stand in memory once, however many trainers there are."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from fmsearch.models.kernels import kernels_of_user
from fmsearch.search.processes.fork_server import load_tensorflow_in_advance

BYTES = 160 * 2**20


def test_three_trainers_have_the_images_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FMSEARCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    measure = importlib.import_module("shared_images")
    load_tensorflow_in_advance(kernels_of_user() or "")
    (alone,) = measure.train(measure.make(tmp_path, 2**22), 1, tmp_path)  # hardly any images
    data = measure.make(tmp_path, BYTES)
    assert Path(data.prepared).parent == tmp_path / "cache" / "images"
    three = measure.train(data, 3, tmp_path)
    for trainer in three:
        assert trainer["Rss"] - alone["Rss"] > BYTES * 0.7  # each has read them
    together = sum(trainer["Pss"] for trainer in three)
    assert together < 3 * alone["Pss"] + 1.5 * BYTES  # a copy each would be 2.7 times as much
