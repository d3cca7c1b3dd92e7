"""Keras Tuner in a process of its own, which lives as long as it enumerates a grid."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver
from pathlib import Path

import pytest
from sklearn.model_selection import ParameterGrid

from fmsearch.errors import FmsearchError
from fmsearch.models.settings import Value
from fmsearch.search.engines import grid_engine, grid_process
from fmsearch.search.engines.grid_engine import GridEngine
from fmsearch.search.engines.grid_process import Choices, enumerate_apart
from fmsearch.search.processes.fork_server import load_tensorflow_in_advance
from fmsearch.search.space.load import read_space
from fmsearch.search.storage.storage import open_storage
from fmsearch.search.storage.study_config import StudyConfig

CHOICES = {"b": (0.5, 0.25), "a": (1, 2)}
POINTS = list(ParameterGrid({"a": [1, 2], "b": [0.5, 0.25]}))
GRID = """\
name: tiny
model: mlp
engine: keras_tuner
score: {by: cross_validation, folds: 2}
fixed: {hidden_units: 8, epochs: 1}
parameters: {layers: [1, 2]}
"""


@contextmanager
def killing(count: int) -> Iterator[None]:
    """Kills so many children of this process, each as soon as it is there."""

    def kill() -> None:
        killed: set[int | None] = set()
        while len(killed) < count:
            for child in multiprocessing.active_children():
                if child.pid not in killed:
                    killed.add(child.pid)
                    child.kill()
            time.sleep(0.01)

    killer = threading.Thread(target=kill)
    killer.start()
    yield
    killer.join()


def test_the_process_gives_the_points_and_ends() -> None:
    load_tensorflow_in_advance()
    assert enumerate_apart(CHOICES) == POINTS
    assert multiprocessing.active_children() == []


def test_a_process_that_is_killed_is_replaced() -> None:
    load_tensorflow_in_advance()
    with killing(2):
        assert enumerate_apart(CHOICES) == POINTS


def test_a_process_that_dies_each_time_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    load_tensorflow_in_advance()
    monkeypatch.setattr(grid_process, "START_PAUSE", 0.0)
    line = (
        "the process of Keras Tuner died 4 times at its start; its own messages are above. "
        "The same command goes on"
    )
    with killing(4), pytest.raises(FmsearchError, match=line):
        enumerate_apart(CHOICES)


def test_a_fork_server_that_has_just_been_killed_is_replaced() -> None:
    load_tensorflow_in_advance()
    os.kill(forkserver._forkserver._forkserver_pid, 9)
    assert enumerate_apart(CHOICES) == POINTS


def test_a_grid_whose_points_are_all_stored_starts_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = StudyConfig(
        name="tiny",
        space=read_space(GRID, "tiny"),
        data="data",
        data_sha256="sum",
        seed=0,
        train_images=None,
    )
    asked: list[Choices] = []

    def enumerate_here(choices: Choices) -> list[dict[str, Value]]:
        asked.append(choices)
        return list(ParameterGrid({**choices}))

    monkeypatch.setattr(grid_engine, "enumerate_apart", enumerate_here)
    for _ in range(2):
        stored = open_storage(f"sqlite:///{tmp_path / 'studies.db'}").open_study(config)
        GridEngine(stored.config.space, stored).begin()
        assert (len(stored.trials()), len(asked)) == (2, 1)


COORDINATOR = """\
import sys
from pathlib import Path
from fmsearch.models.data import describe
from fmsearch.places import Places
from fmsearch.search.space.load import read_space
from fmsearch.search.study.plan import Plan
from fmsearch.search.study.run import run_study

class Silent:
    on_start = on_epoch = on_trial_end = lambda *_: None

places = Places.of(Path(sys.argv[1]))
space = read_space(sys.argv[3], "tiny")
plan = Plan(
    space=space, name="tiny", data=describe(sys.argv[2]), seed=0, jobs=1, train_images=400,
    places=places, offline=True,
)
trials = run_study(plan, Silent()).trials
print([trial.state.value for trial in trials])
print([name for name in ("tensorflow", "keras", "keras_tuner") if name in sys.modules])
"""


def test_the_coordinator_of_a_grid_loads_neither_keras_tuner_nor_tensorflow(
    images: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", COORDINATOR, str(tmp_path / "home"), str(images), GRID]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "['complete', 'complete']\n[]\n", done.stderr
