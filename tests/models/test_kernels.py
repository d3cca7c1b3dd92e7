"""The library of kernels: who names it, and that trainers compute with it, the same each time."""

from __future__ import annotations

import os
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from fmsearch.errors import FmsearchError
from fmsearch.models.kernels import (
    TENSORFLOWS,
    VARIABLE,
    computed_by,
    kernels_of_user,
    kernels_to_go_on,
    tensorflows_choice,
)
from fmsearch.search.environment import here
from fmsearch.search.processes.fork_server import (
    load_tensorflow_in_advance,
    receive,
    start_process,
)

from ..conftest import loaded_kernels

NAMED = [
    ("", "", ""),
    ("eigen", "", "eigen"),
    ("onednn", "", "onednn"),
    ("", "0", "eigen"),
    ("", "true", "onednn"),
    ("eigen", "false", "eigen"),
]
REFUSED = [
    ("mkl", "", "FMSEARCH_KERNELS: 'mkl' is unknown; it is eigen or onednn"),
    ("", "yes", "TF_ENABLE_ONEDNN_OPTS: 'yes' is unknown; it is 0 (Eigen) or 1 (oneDNN)"),
    ("eigen", "1", "FMSEARCH_KERNELS=eigen and TF_ENABLE_ONEDNN_OPTS=1 contradict; set one"),
]


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (VARIABLE, TENSORFLOWS):
        monkeypatch.delenv(name, raising=False)


def name(monkeypatch: pytest.MonkeyPatch, ours: str, theirs: str) -> None:
    monkeypatch.setenv(VARIABLE, ours)
    monkeypatch.setenv(TENSORFLOWS, theirs)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("flags\t\t: fpu avx2 fma\n", "eigen"),
        ("model name\t: x\nflags\t\t: fpu avx512f avx512_vnni\n", "onednn"),
        ("Features\t: asimd bf16\n", ""),
    ],
)
def test_what_tensorflow_takes_is_read_off_the_processor(
    text: str, expected: str, tmp_path: Path
) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    assert tensorflows_choice(tmp_path / "cpuinfo") == expected
    assert tensorflows_choice(tmp_path / "none") == ""


def test_what_tensorflow_takes_here_is_what_is_read_off_this_processor() -> None:
    from fmsearch.models.quiet_tensorflow import tf  # noqa: F401

    assert loaded_kernels() == tensorflows_choice()


@pytest.mark.parametrize(("ours", "theirs", "expected"), NAMED)
def test_a_user_names_the_library_by_either_variable(
    ours: str, theirs: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name(monkeypatch, ours, theirs)
    assert kernels_of_user() == expected


@pytest.mark.parametrize(("ours", "theirs", "error"), REFUSED)
def test_what_is_no_library_is_one_line(
    ours: str, theirs: str, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name(monkeypatch, ours, theirs)
    with pytest.raises(FmsearchError) as refused:
        kernels_of_user()
    assert str(refused.value) == error


def test_what_was_begun_goes_on_with_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    assert kernels_to_go_on("eigen", "it") == "eigen"
    assert kernels_to_go_on("", "it") == ""
    monkeypatch.setenv(TENSORFLOWS, "1")
    assert kernels_to_go_on("onednn", "it") == kernels_to_go_on("", "it") == "onednn"
    line = "it computes with eigen, and TF_ENABLE_ONEDNN_OPTS=1 is for onednn; take that variable"
    with pytest.raises(FmsearchError, match=line):
        kernels_to_go_on("eigen", "it")


def test_a_choice_is_over_when_tensorflow_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    with computed_by("onednn"):
        assert os.environ[TENSORFLOWS] == "1"
    assert TENSORFLOWS not in os.environ
    monkeypatch.setenv(TENSORFLOWS, "true")
    with computed_by("onednn"):
        assert os.environ[TENSORFLOWS] == "1"
    assert os.environ[TENSORFLOWS] == "true"


def train(connection: Connection, images: Path) -> None:
    """Two epochs at once, and one after the other from a saved state; runs in a trainer."""
    from fmsearch.models.data import load_training
    from fmsearch.models.families import FAMILIES
    from fmsearch.models.network import Network, Pixels, use_one_thread
    from fmsearch.models.split import Fold, split_rows
    from fmsearch.models.training import FitState, fit

    use_one_thread()
    data = load_training(str(images))
    split = split_rows(data.labels, 400)
    fold = Fold(split.train, split.validation)
    size = {"depth": 1, "filters_1": 8, "dense_units": 8, "dropout_rate": 0.2}
    networks = [
        Network(Pixels(data, 10), FAMILIES["cnn"], FAMILIES["cnn"].complete(size)) for _ in "12"
    ]
    at_once = [(one.train_loss, one.val_loss) for one, _ in fit(networks[0], fold, 3, 2)]
    begun, _ = next(fit(networks[0], fold, 3, 2))
    start = FitState((begun,), networks[0].state())
    continued = [begun, *(one for one, _ in fit(networks[1], fold, 3, 2, start=start))]
    continued_losses = [(one.train_loss, one.val_loss) for one in continued]
    connection.send((loaded_kernels(), here().kernels, at_once, continued_losses))


def test_trainers_compute_with_the_library_and_record_it_and_go_on_bit_for_bit(
    images: Path,
) -> None:
    for kernels in ("onednn", "eigen"):
        load_tensorflow_in_advance(kernels)
        if kernels == "eigen":  # one that takes the place of a dead one has the same
            os.kill(forkserver._forkserver._forkserver_pid, 9)  # type: ignore[attr-defined]
        process, connection = start_process(train, images)
        loaded, recorded, at_once, continued = receive(connection)
        assert loaded == recorded == kernels
        assert at_once == continued
        process.join()
