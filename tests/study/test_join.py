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


OTHERS = [
    ("", "ONEDNN_MAX_CPU_ISA", "AVX2", ": ONEDNN_MAX_CPU_ISA none there, AVX2 here; install"),
    ("", "TF_ENABLE_ONEDNN_OPTS", "1", ": TF_ENABLE_ONEDNN_OPTS none there, 1 here; install"),
    ("eigen", "TF_ENABLE_ONEDNN_OPTS", "1", "'search' computes with eigen, and TF_ENABLE_ONEDNN"),
    ("eigen", "FMSEARCH_KERNELS", "onednn", "'search' computes with eigen, and FMSEARCH_KERNELS"),
]


@pytest.mark.parametrize(("kernels", "name", "value", "error"), OTHERS)
def test_a_worker_takes_the_kernels_of_its_study_and_is_refused_where_the_user_names_others(
    kernels: str,
    name: str,
    value: str,
    error: str,
    images: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    places = Places.of(tmp_path)
    study = make(places.storage, images, versions=here(kernels).computing)
    options = WorkerOptions(
        places=places, data=None, jobs=1, seconds=None, checkpoint_every=10.0, offline=True
    )
    assert join(study, options).joins is study.config
    monkeypatch.setenv(name, value)
    here.cache_clear()
    with pytest.raises(FmsearchError, match=error):
        join(study, options)


def test_a_variable_that_an_earlier_version_recorded_in_words_is_the_same(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = Places.of(tmp_path)
    versions = {**here().computing, "TF_ENABLE_ONEDNN_OPTS": "true"}
    study = make(places.storage, images, versions=versions)
    options = WorkerOptions(
        places=places, data=None, jobs=1, seconds=None, checkpoint_every=10.0, offline=True
    )
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "true")
    assert join(study, options).joins is study.config


def test_kernels_that_a_user_chose_are_recorded_and_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = here()
    assert Environment.of(before.tags) == before
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    here.cache_clear()
    assert Environment.of(here().tags) == here()
    assert before.differences(here()) == ["kernels differ: TensorFlow's own choice then, eigen now"]
