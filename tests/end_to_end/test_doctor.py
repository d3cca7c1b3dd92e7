"""The doctor after studies that were interrupted, or are not shipped yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from fmsearch.places import Places
from fmsearch.search.doctor.doctor import examine
from fmsearch.search.storage.storage import open_storage
from fmsearch.search.trial import State

from ..doctor.patient import GRID, Quiet, run


def test_after_ctrl_c_there_are_no_differences(images: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "mlruns", images, GRID, callback=Quiet(interrupt_after=2))
    states = {
        t.state
        for t in open_storage(f"sqlite:///{tmp_path}/mlruns/studies.db").study("grid").trials()
    }
    assert states == {State.COMPLETE, State.WAITING}
    (found,) = examine(Places.of(tmp_path / "mlruns"), ["grid"], fix=False)
    assert (found.left, found.waiting) == ([], None)


def test_results_that_wait_are_no_difference_and_are_shipped_by_fix(
    images: Path, tmp_path: Path
) -> None:
    places = Places.of(tmp_path / "mlruns")
    run(places.home, images, GRID, keep_models=0, offline=True)
    (found,) = examine(places, ["grid"], fix=False)
    assert (found.left, found.waiting) == ([], 4)
    assert not (places.home / "mlflow.db").exists()
    (found,) = examine(places, ["grid"], fix=True)
    assert (found.left, found.waiting, found.shipped) == ([], None, 4)
    (found,) = examine(places, ["grid"], fix=False)
    assert (found.left, found.waiting) == ([], None)
