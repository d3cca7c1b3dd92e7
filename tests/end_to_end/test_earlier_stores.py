"""A store that an earlier version wrote: looked at, resumed, shipped, replayed, registered from.

`store-0.1.0.tar.xz` was written by fmsearch 0.1.0 as it was before `search/` had rooms, on the
images of `tests/data/fashion.npz`, in the folder /srv/fmsearch:

    fmsearch study --space small.yaml --data fashion.npz --jobs 2
    fmsearch register --study small --model small --epochs 2
    fmsearch study --space search.yaml --data fashion.npz --jobs 1 --keep-models best:2 \\
        --checkpoint-every 0s        (all processes killed during trial 10)
    fmsearch study --space waits.yaml --data fashion.npz --jobs 1 --offline
"""

import shutil
import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from mlflow import MlflowClient

from fmsearch.search.storage.storage import open_storage

STORE = Path(__file__).parents[1] / "data" / "store-0.1.0.tar.xz"
WRITTEN_IN = "/srv/fmsearch"
SEARCH = """\
name: search
about: A small search whose bad trials are pruned.
model: mlp
engine: optuna
sampler: tpe
pruner: median
score: {by: validation}
trials: 14
fixed: {epochs: 10, batch_size: 64, layers: 1}
parameters:
  hidden_units: {int: [4, 24]}
  learning_rate: {float: [0.0001, 0.03], log: true}
  dropout_rate: {float: [0.0, 0.5]}
"""
STUDIES = """\
study    data          scored by    state      trials                            \
best score   trial   last
─────────────────────────────────────────────────────────────────────────────────\
─────────────────────────────────────
small    fashion.npz   3 folds      finished   4 complete                        \
0.56722      2       2026-11-26 16:41
search   fashion.npz   validation   running    1 running, 8 complete, 2 pruned   \
0.84000      8       2026-11-26 16:42
waits    fashion.npz   validation   finished   2 complete                        \
0.65500      0       2026-11-26 16:42
"""
STATUS = """\
search: 11 trials: 1 running, 8 complete, 2 pruned
best: trial 8, score 0.84000: hidden_units=24 learning_rate=0.008844 dropout_rate=0.001287
to gain: about 0.0025 by more trials, as the best is so far above the second best
running: trial 10, no score yet
"""
TRIALS = """\
0          complete   0.80500    0.9       0.003245       18             0.01183
1          complete   0.67500    0.5       0.224          7              0.0009779
2          complete   0.67750    1.8       0.1666         22             0.0001283
3          complete   0.75250    1.4       0.07075        8              0.001466
4          complete   0.83750    1.2       0.1826         23             0.007935
5          complete   0.82250    1.6       0.0911         20             0.005378
6          pruned                0.7       0.451          15             0.01283         \
median pruner, at 0.4350 after epoch 2
7          pruned                1.2       0.3826         10             0.008798        \
median pruner, at 0.5950 after epoch 4
8 *        complete   0.84000    1.3       0.001287       24             0.008844
9          complete   0.80500    0.3       0.3674         23             0.004975
10         running                         0.08744        16             0.0007583
"""
RunIn = Callable[..., "CompletedProcess[str]"]


def lines_of(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


def move(database: Path, folder: Path) -> None:
    """Let a database name this folder where it named the one in which it was written."""
    with closing(sqlite3.connect(database)) as opened, opened:
        tables = opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            for _, column, kind, *_ in opened.execute(f"PRAGMA table_info({table})").fetchall():
                if kind.upper().startswith(("VARCHAR", "TEXT")):
                    opened.execute(
                        f"UPDATE {table} SET {column} = replace({column}, ?, ?)",
                        (WRITTEN_IN, str(folder)),
                    )


@pytest.fixture
def earlier(tmp_path: Path, images: Path, fmsearch: RunIn) -> Iterator[RunIn]:
    """Runs commands in the folder of the store of 0.1.0."""
    with tarfile.open(STORE) as packed:
        packed.extractall(tmp_path, filter="data")
    for name in ("studies.db", "mlflow.db"):
        move(tmp_path / "mlruns" / name, tmp_path)
    shutil.copy(images, tmp_path / "fashion.npz")
    (tmp_path / "search.yaml").write_text(SEARCH)
    return fmsearch


def said(ended: "CompletedProcess[str]") -> list[str]:
    """The lines of a command that went well."""
    assert ended.returncode == 0, ended.stderr
    return lines_of(ended.stdout)


def test_its_studies_and_trials_are_shown(earlier: RunIn) -> None:
    assert said(earlier("status", TZ="UTC")) == lines_of(STUDIES)
    shown = said(earlier("status", "search"))
    assert shown[:4] == lines_of(STATUS)
    assert shown[6:] == lines_of(TRIALS)


def test_a_killed_search_is_resumed_and_found_sound(earlier: RunIn, tmp_path: Path) -> None:
    before = lines_of(TRIALS)[:-1]
    said(earlier("study", "--space", "search.yaml", "--data", "fashion.npz"))
    shown = said(earlier("status", "search"))
    assert shown[0].startswith("search: 14 trials: ")
    assert [line.replace(" *", "  ") for line in shown[6:16]] == [
        line.replace(" *", "  ") for line in before
    ]
    assert said(earlier("doctor", "search")) == ["no differences"]


def test_what_waits_in_its_outbox_is_shipped(earlier: RunIn, tmp_path: Path) -> None:
    assert said(earlier("sync")) == ["waits: 2 of 2 trials shipped"]
    assert said(earlier("doctor", "waits")) == ["no differences"]
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlruns' / 'mlflow.db'}")
    found = client.search_runs(["1"], "attributes.run_name = 'waits-0000'")
    tags, metrics = found[0].data.tags, found[0].data.metrics
    assert metrics["score"] == 0.655
    assert tags["fmsearch.versions"]
    assert tags["fmsearch.processor"]


def test_a_run_of_it_is_replayed(earlier: RunIn) -> None:
    ended = earlier("replay", "small-0002")
    elsewhere = "processor differs" in ended.stdout or "versions differ" in ended.stdout
    last = lines_of(ended.stdout)[-1]
    # On other processors, or with other versions, numbers may differ; which ones is then said.
    assert last.startswith("identical: ") or (elsewhere and last.startswith("differs: "))


def test_its_finished_grid_is_sound_and_registers_one_more_version(earlier: RunIn) -> None:
    assert said(earlier("doctor", "small")) == ["no differences"]
    register = ("register", "--study", "small", "--model", "small", "--epochs")
    shown = said(earlier(*register, "1"))
    assert shown[-3:] == [
        "gate: no comparison: version 1 has no answers to gate images on record, as an earlier "
        "fmsearch or another program registered it",
        "champion stays where it is; --force gives it to the new version",
        "registered: models:/small/2, alias challenger",
    ]
    # The version that it registered gets its answers when it is registered again.
    shown = said(earlier(*register, "2"))
    assert shown[1].startswith("training its gate model, without ")
    assert shown[-2:] == [
        "gate: it is champion already",
        "registered: models:/small/1, alias champion",
    ]
    shown = said(earlier(*register, "1"))
    assert shown[-3].startswith("gate: accuracy ")


def test_of_its_running_study_what_is_complete_can_be_registered(earlier: RunIn) -> None:
    ended = earlier("register", "search", "--max-parameters", 9)
    assert ended.stdout.splitlines()[-1] == (
        "search is not over (1 running): chosen from what is complete, 8"
    )
    assert ended.stderr.splitlines()[-1].startswith(
        "fmsearch: no complete trial of 'search' has at most 9 parameters; the smallest has "
    )


def test_the_config_that_it_keeps_of_a_study_is_what_this_version_keeps(
    earlier: RunIn, tmp_path: Path
) -> None:
    storage = open_storage(f"sqlite:///{tmp_path / 'mlruns' / 'studies.db'}")
    config = storage.study("search").config
    assert (config.seed, config.sampler, config.pruner, config.keep_models) == (
        0,
        "tpe",
        "median",
        2,
    )
    assert config.space.text == SEARCH
