"""Workers whose numbers would be others than those of the study."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fmsearch.errors import FmsearchError
from fmsearch.places import Places
from fmsearch.search.environment import Environment, here
from fmsearch.search.study.join import WorkerOptions, join

from ..storage.new_study import make


@pytest.fixture(autouse=True)
def read_anew() -> Iterator[None]:
    """The environment of this process is read again in the test, and after it."""
    here.cache_clear()
    yield
    here.cache_clear()


@pytest.mark.parametrize("name", ["TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA"])
def test_a_worker_with_other_kernels_is_refused(
    name: str, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = Places.of(tmp_path)
    study = make(places.storage, images)
    options = WorkerOptions(
        places=places, data=None, jobs=1, seconds=None, checkpoint_every=10.0, offline=True
    )
    assert join(study, options).joins is study.config
    monkeypatch.setenv(name, "AVX2")
    here.cache_clear()
    with pytest.raises(FmsearchError, match=rf": {name} none there, AVX2 here; install the same"):
        join(study, options)


def test_kernels_that_a_user_chose_are_recorded_and_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = here()
    assert Environment.of(before.tags) == before
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    here.cache_clear()
    assert Environment.of(here().tags) == here()
    assert before.differences(here()) == ["versions differ: TF_ENABLE_ONEDNN_OPTS none then, 0 now"]
