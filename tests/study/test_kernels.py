"""With which library of kernels a study computes."""

from __future__ import annotations

from pathlib import Path

import pytest

from fmsearch.errors import FmsearchError
from fmsearch.models.kernels import tensorflows_choice
from fmsearch.places import Places
from fmsearch.search.environment import here
from fmsearch.search.space.load import load_space, read_space
from fmsearch.search.storage.storage import open_storage
from fmsearch.search.study.run import choose_kernels

from ..storage.new_study import SEARCH, make

OWN = SEARCH.replace("model: mlp", "model: mine:build")


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FMSEARCH_KERNELS", "TF_ENABLE_ONEDNN_OPTS"):
        monkeypatch.delenv(name, raising=False)


def test_a_new_study_has_the_library_of_its_networks_unless_the_user_names_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mlp, cnn, own = load_space("mlp_grid"), load_space("cnn_small"), read_space(OWN, "own")
    chosen = [choose_kernels(space, None) for space in (mlp, cnn, own)]
    assert chosen == [tensorflows_choice(), "onednn", "onednn"]
    monkeypatch.setenv("FMSEARCH_KERNELS", "eigen")
    assert choose_kernels(cnn, None) == "eigen"


def test_a_study_goes_on_with_the_library_on_record(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = Places.of(tmp_path).storage
    config = make(storage, images, versions=here("onednn").computing).config
    assert choose_kernels(config.space, open_storage(storage).config("search")) == "onednn"
    monkeypatch.setenv("FMSEARCH_KERNELS", "eigen")
    with pytest.raises(FmsearchError, match="the study 'search' computes with onednn, and FMSEA"):
        choose_kernels(config.space, config)


def test_a_study_of_an_earlier_version_goes_on_with_tensorflows_own_choice(
    images: Path, tmp_path: Path
) -> None:
    for versions in ({}, here().computing):
        places = Places.of(tmp_path / str(len(versions)))
        places.prepare()
        config = make(places.storage, images, versions=versions).config
        assert choose_kernels(config.space, config) == ""


def test_two_that_begin_a_study_at_once_cannot_choose_differently(
    images: Path, tmp_path: Path
) -> None:
    storage = Places.of(tmp_path).storage
    make(storage, images, versions=here("onednn").computing)
    with pytest.raises(FmsearchError, match=r"exists with another library of kernels \(onednn\)"):
        make(storage, images, versions=here("eigen").computing)
