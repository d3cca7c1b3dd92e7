"""Bad input of every kind: one line that says what is wrong, exit 1 or 2, and nothing is harmed.

The tables of bad input stand in `bad/`; plainer sorts stand in the tests of the rooms.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmsearch.cli import main
from fmsearch.models.data import describe
from fmsearch.places import Places
from fmsearch.search.space.load import read_space
from fmsearch.search.storage.storage import open_storage
from fmsearch.search.storage.study_config import StudyConfig
from fmsearch.tracking.store import Store

from ..conftest import Run
from .bad.addresses import ADDRESSES, ENVIRONMENTS
from .bad.case import GRID, OWN, Bad, arrays
from .bad.data import DATA
from .bad.models import MODELS
from .bad.options import OPTIONS
from .bad.spaces import SPACES
from .bad.stores import NOTE, STORES, entry


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file with its content, but for locks, and what SQLite leaves beside a database."""
    beside = (".lock", "-wal", "-shm")
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {
        str(path.relative_to(folder)): content(path)
        for path in files
        if not path.name.endswith(beside)
    }


def content(path: Path) -> bytes:
    """A file's bytes; of a database what it says, as SQLite may write the same otherwise."""
    if not path.read_bytes().startswith(b"SQLite format 3"):
        return path.read_bytes()
    with closing(sqlite3.connect(path)) as database:
        return "\n".join(database.iterdump()).encode()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The storage of a study `small` that has two waiting trials, in a folder to be copied."""
    home = tmp_path_factory.mktemp("made") / "mlruns"
    np.savez(home.parent / "tiny.npz", **arrays())
    found = describe(str(home.parent / "tiny.npz"))
    storage = open_storage(f"sqlite:///{home / 'studies.db'}")
    study = storage.open_study(
        StudyConfig(
            name="small",
            space=read_space(GRID, "small"),
            data=found.spec,
            data_sha256=found.sha256,
            seed=0,
            train_images=None,
        )
    )
    study.enqueue([{"epochs": 1}, {"epochs": 2}], {"epochs": [1, 2]})
    (home / "outbox" / study.config.label).mkdir(parents=True)
    return home


@pytest.fixture
def folder(tmp_path: Path, made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with good files and a store, in which the program is run."""
    shutil.copytree(made, tmp_path / "mlruns")
    (tmp_path / "small.yaml").write_text(GRID)
    (tmp_path / "own.yaml").write_text(OWN)
    np.savez(tmp_path / "tiny.npz", **arrays())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])  # to which the program adds its folder
    monkeypatch.setenv("FMSEARCH_DATA", "tiny.npz")
    for name in ("FMSEARCH_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


ALL = (*OPTIONS, *SPACES, *DATA, *ADDRESSES, *ENVIRONMENTS, *STORES, *MODELS)
ONE_OF_EACH = (OPTIONS[0], SPACES[0], DATA[0], ADDRESSES[0], ENVIRONMENTS[0], STORES[0])


def cases(bad: tuple[Bad, ...]) -> Any:
    return pytest.mark.parametrize("bad", [pytest.param(one, id=one.name) for one in bad])


def assert_one_line(bad: Bad, error: str, code: object) -> None:
    assert bad.expected in error
    assert error.startswith("fmsearch: ")
    assert error.count("\n") == 1, error
    assert code == bad.code


@cases(ALL)
def test_bad_input_is_one_line_and_harms_nothing(
    bad: Bad, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    bad.make(folder)
    for name, value in bad.environment.items():
        monkeypatch.setenv(name, value)
    before = snapshot(folder)
    with pytest.raises(SystemExit) as ended:
        main(bad.arguments.split(" "))
    assert_one_line(bad, capfd.readouterr().err, ended.value.code)
    assert snapshot(folder) == before


@cases(ONE_OF_EACH)
def test_the_installed_program_says_the_same(bad: Bad, folder: Path, installed: Run) -> None:
    bad.make(folder)
    done = installed(*bad.arguments.split(" "), **bad.environment)
    assert_one_line(bad, done.stderr, done.returncode)


def test_names_stand_once() -> None:
    assert len({bad.name for bad in ALL}) == len(ALL) >= 150


def test_a_deleted_experiment_is_one_line_and_what_waits_stays(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    store = Store(Places.of(Path("mlruns")))
    store.client.delete_experiment(store.experiment_id)
    entry("trial-000000", failure_json=NOTE)(folder)
    with pytest.raises(SystemExit) as ended:
        main(["sync"])
    expected = "fmsearch: the experiment 'fmsearch' is deleted in MLflow; restore it, or name"
    assert capfd.readouterr().err.startswith(expected)
    assert ended.value.code == 1
    assert list(folder.glob("mlruns/outbox/*/trial-000000/failure.json"))


@pytest.mark.parametrize("columns", ["wide", "-5", "0", "", "99999999"])
def test_a_senseless_width_of_the_terminal_harms_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    with pytest.raises(SystemExit) as ended:
        main(["status"])
    assert ended.value.code is None
    assert re.search(r"small +tiny.npz .* 2 waiting ", capfd.readouterr().out)
