"""Stores with something bad in them."""
# ruff: noqa: E501  # the table has a case in a line

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from fmsearch.search.environment import here

from .case import GRID, STUDY, Bad, Make, data, file


def entry(name: str, **files: str) -> Make:
    """A folder in the study's outbox; a file's name is written with _ for its dot."""

    def make(folder: Path) -> None:
        (outbox,) = (folder / "mlruns" / "outbox").iterdir()
        (outbox / name).mkdir()
        for key, content in files.items():
            (outbox / name / key.replace("_json", ".json")).write_text(content)

    return make


def recorded(**changes: Any) -> Make:
    """A study's record with other things in it, as another version might write it."""

    def make(folder: Path) -> None:
        with sqlite3.connect(folder / "mlruns" / "studies.db") as database:
            ((written,),) = database.execute("SELECT value_json FROM study_user_attributes")
            text = json.dumps({**json.loads(written), **changes})
            database.execute("UPDATE study_user_attributes SET value_json = ?", [text])

    return make


def told_by_another(folder: Path) -> None:
    """A trial that somebody completed with Optuna's own tools."""
    with sqlite3.connect(folder / "mlruns" / "studies.db") as database:
        database.execute("UPDATE trials SET state = 'COMPLETE' WHERE number = 0")


def with_a_run_elsewhere(folder: Path) -> None:
    """A study whose own run stands in a store that this command does not use."""
    recorded(versions=here().computing)(folder)
    with sqlite3.connect(folder / "mlruns" / "studies.db") as database:
        database.execute(
            "INSERT INTO study_user_attributes (study_id, key, value_json) "
            """VALUES (1, 'fmsearch.run', '"0a1b2c"')"""
        )


def in_place_of(path: str) -> Make:
    """A file where a folder is wanted."""

    def make(folder: Path) -> None:
        shutil.rmtree(folder / path, ignore_errors=True)
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text("")

    return make


def second_study(folder: Path) -> None:
    """One more study, of another program's."""
    with sqlite3.connect(folder / "mlruns" / "studies.db") as database:
        database.execute("INSERT INTO studies (study_name) VALUES ('small2')")


def running(folder: Path) -> None:
    """The lock of a study, which is held until the test ends."""
    lock = folder / "mlruns" / "locks" / "small.lock"
    lock.parent.mkdir(exist_ok=True)
    HELD[:] = [lock.open("w")]
    fcntl.flock(HELD[0], fcntl.LOCK_EX)
    HELD[0].write(str(os.getpid()))
    HELD[0].flush()


HELD: list[TextIO] = []
NOTE = json.dumps({"settings": {}, "seed": 0, "error": "none", "failed_at": 0})
SVM = GRID.replace("mlp", "svm")
WORKER = "worker --study small"
JOINABLE = recorded(versions=here().computing)


# fmt: off
STORES = (
    Bad("an entry without number", "sync", "trial-best is no trial of the outbox; move it somewhere else", entry("trial-best")),
    Bad("an entry of no trial", "sync", "trial-000009 is of no trial of the study, whose storage may be an older one", entry("trial-000009", failure_json=NOTE)),
    Bad("a file as a study's outbox", "sync", " is no folder; move it somewhere else", lambda at: in_place_of(str(next(at.glob("mlruns/outbox/*")).relative_to(at)))(at)),
    Bad("no worker's name", "sync", "mlruns/worker has not the name of a worker; remove it", file("mlruns/worker", b"\xff")),
    Bad("a folder as worker", STUDY, "mlruns/worker has not the name", lambda at: (at / "mlruns/worker").mkdir()),
    Bad("a file as outbox", STUDY, "mlruns/outbox: File exists", in_place_of("mlruns/outbox")),
    Bad("a file as locks", STUDY, "cannot lock", in_place_of("mlruns/locks")),
    Bad("a folder as lock", STUDY, "small.lock: Is a directory", lambda at: (at / "mlruns/locks/small.lock").mkdir(parents=True)),
    Bad("a space of another version", "status", "the recorded space of 'small': model: 'svm' is unknown", recorded(space=SVM)),
    Bad("its study", "status small", "the recorded space of 'small': model: 'svm' is unknown", recorded(space=SVM)),
    Bad("a record of another version", "status", "was recorded by another version of fmsearch", recorded(color="red")),
    Bad("a damaged record", "sync", "the record of the study 'small' is damaged", recorded(space=3)),
    Bad("data that are gone", "register --study small", "has no complete trial yet", recorded(data="tiny.npz")),
    Bad("data that changed", "register --study small", "has changed since the study 'small' began", recorded(data_sha256="0")),
    Bad("a trial that another program told", "status small", "trial 0 was completed by another program", told_by_another),
    Bad("one in the list of studies", "status", "trial 0 was completed by another program", told_by_another),
    Bad("a trial that is not there", "register --study small --trial 99", "the study 'small' has no trial 99; it has "),
    Bad("a trial that is not complete", "register --study small --trial 0", "; only a complete one can be registered"),
    Bad("a bad model", "register --study small --model a/b", "--model 'a/b' must be 1 to 64 letters"),
    Bad("MLflow's own alias", "register --study small --alias latest", "--alias 'latest' is MLflow's own"),
    Bad("the losers' alias", "register --study small --alias challenger", "is given to versions that do not pass the gate"),
    Bad("a study to rename that is not there", "studies rename large other", "no study 'large'; there are: small"),
    Bad("a rename to itself", "studies rename small small", "the study is called 'small' already"),
    Bad("a rename to a taken name", "studies rename small small2", "there is a study 'small2' already", second_study),
    Bad("a rename of a study that runs", "studies rename small other", f"the study 'small' is being run by process {os.getpid()}", running),
    Bad("a rename to an umlaut", "studies rename small für", "'für' must be 1 to 64 letters", code=2),
    Bad("a rename to nothing", "studies rename small", "Missing argument 'NAME'", code=2),
    Bad("a study to delete that is not there", "studies delete large --yes", "no study 'large'; there are: small"),
    Bad("a deletion that nobody confirms", "studies delete small", "`fmsearch studies delete` asks before it deletes"),
    Bad("a study to delete that runs", "studies delete small --yes", f"the study 'small' is being run by process {os.getpid()}", running),
    Bad("a study to export that is not there", "studies export large out", "no study 'large'; there are: small"),
    Bad("a file in the place of the export", "studies export small small.yaml", "small.yaml exists already; name a new folder"),
    Bad("a folder in its place", "studies export small mlruns", "mlruns exists already; name a new folder"),
    Bad("a file above the export", "studies export small small.yaml/out", "cannot write small.yaml/out: File exists"),
    Bad("an option before the subcommand", "studies --json delete small", "--json belongs behind delete", code=2),
    Bad("failed trials offline", f"{STUDY} --retry-failed --offline", "--retry-failed marks runs in MLflow, which"),
    Bad("failed trials of a fresh study", f"{STUDY} --retry-failed --fresh", "--fresh leaves no trial that --retry-failed"),
    Bad("a rollback of no model", "register --rollback --model none", "mlflow.db yet; run `fmsearch study` first"),
    Bad("one as the best", "register --study small", "trial 0 was completed by another program", told_by_another),
    Bad("a study to join that is not there", "worker --study large", "no study 'large'; there are: small"),
    Bad("one that does not come", "worker --study large --wait 1s --home empty", "no study 'large': there is no store in"),
    Bad("a record without what workers need", WORKER, "was recorded by an earlier version of fmsearch, without what"),
    Bad("a record of a later version", WORKER, "was recorded by another version of fmsearch", recorded(color="red")),
    Bad("a study for one coordinator", WORKER, "the study 'small' is --reproducible, which is for one coordinator", recorded(versions=here().computing, lag=2)),
    Bad("another fmsearch", WORKER, "would not be those of the study 'small': fmsearch 9 there, 0.", recorded(versions={**here().computing, "fmsearch": "9"})),
    Bad("another TensorFlow", WORKER, "'small': tensorflow 1.0 there, 2.", recorded(versions={**here().computing, "tensorflow": "1.0"})),
    Bad("a worker of another library of kernels", WORKER, "the study 'small' computes with eigen, and FMSEARCH_KERNELS=onednn is for onednn", recorded(versions=here("eigen").computing), environment={"FMSEARCH_KERNELS": "onednn"}),
    Bad("a session of another one", STUDY, "the study 'small' computes with eigen, and TF_ENABLE_ONEDNN_OPTS=1 is", recorded(versions=here("eigen").computing), environment={"TF_ENABLE_ONEDNN_OPTS": "1"}),
    Bad("no data on this machine", f"{WORKER} --data gone.npz", "no data set 'gone.npz'; --data takes", JOINABLE),
    Bad("other data on this machine", f"{WORKER} --data bad.npz", "bad.npz is not the data set of the study 'small' (SHA-256", lambda at: [make(at) for make in (JOINABLE, data(y_test=np.array([1, 0, 1, 0])))]),
    Bad("runs in another store", WORKER, "the run of the study 'small' (0a1b2c) is not in the experiment 'fmsearch' of MLflow at", with_a_run_elsewhere),
    Bad("the storage as runs", f"{STUDY} --tracking-uri sqlite:///mlruns/studies.db", "it is a database of Optuna, not of MLflow"),
)
