"""Bad input of every kind: one line that says what is wrong, exit 1 or 2, and nothing is harmed.

Bad options, space files and data files of the plainer sorts stand in test_cli.py,
test_space_file.py and test_data.py.
"""
# ruff: noqa: E501  # the tables have a case in a line

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmsearch.cli import main
from fmsearch.search.environment import here

GRID = """\
name: small
model: mlp
engine: keras_tuner
score: {by: cross_validation, folds: 3}
parameters: {epochs: [1, 2]}
"""
OWN = """\
name: own
model: mine:build
engine: optuna
score: {by: validation}
fixed: {epochs: 1}
parameters: {width: [4, 8]}
"""
LONG = "x" * 5_000
OVERLONG = f"{'y' * 300}.db"
"""More than the 255 characters that a file's name may have."""

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Make = Callable[[Path], object]
"""Puts the bad thing into a folder, where `small.yaml`, `own.yaml` and `tiny.npz` are good."""


@dataclass(frozen=True)
class Bad:
    """One bad input: how it is made, what is run on it, and what is to be said."""

    name: str
    arguments: str
    expected: str
    make: Make = lambda folder: None
    code: int = 1
    environment: dict[str, str] = field(default_factory=dict)


def file(name: str, content: str | bytes) -> Make:
    written = content.encode() if isinstance(content, str) else content
    return lambda folder: (folder / name).write_bytes(written)


def space(change: str = "", *, base: str = GRID) -> Make:
    """`bad.yaml`, a good space with something bad at its end."""
    return file("bad.yaml", base + change)


def changed(old: str, new: str, *, base: str = OWN) -> Make:
    assert old in base
    return file("bad.yaml", base.replace(old, new))


def data(**changes: Any) -> Make:
    """`bad.npz`, a good data file with some of its arrays changed."""
    return lambda folder: np.savez(folder / "bad.npz", **{**arrays(), **changes})


def arrays() -> dict[str, Any]:
    return {
        "x_train": np.zeros((20, 8, 8), np.uint8),
        "y_train": np.repeat([0, 1], 10),
        "x_test": np.zeros((4, 8, 8), np.uint8),
        "y_test": np.array([0, 1, 0, 1]),
    }


def zipped(members: dict[str, bytes]) -> Make:
    def make(folder: Path) -> None:
        with zipfile.ZipFile(folder / "bad.npz", "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)

    return make


def marked_as_encrypted(folder: Path) -> None:
    """Sets the bit of encryption in the zip's directory (APPNOTE.TXT, 4.4.4)."""
    np.savez(folder / "bad.npz", **arrays())
    content = bytearray((folder / "bad.npz").read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (folder / "bad.npz").write_bytes(content)


def header(text: str) -> bytes:
    """An .npy file of version 1.0 that is only a header."""
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


HUGE = header("{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000, 1000, 1000), }\n")
UNFINISHED = header("{'descr': '|u1', 'fortran_order': False, 'shape': (1,\n")


def other_database(folder: Path) -> None:
    database = sqlite3.connect(folder / "other.db")
    database.execute("CREATE TABLE customers (name)")
    database.close()


STUDY = "study --space small.yaml"


# fmt: off
OPTIONS = (
    Bad("a name of 65 letters", f"{STUDY} --name {'a' * 65}", "must be 1 to 64 letters", code=2),
    Bad("a name with an umlaut", f"{STUDY} --name für", "'für' must be 1 to 64 letters", code=2),
    Bad("a seed in words", f"{STUDY} --seed one", "'one' is not a valid integer", code=2),
    Bad("half a trial", f"{STUDY} --trials 2.5", "'2.5' is not a valid integer range", code=2),
    Bad("trials of a grid", f"{STUDY} --trials 3", "is a grid, which tries every point: it has no"),
    Bad("an endless time", f"{STUDY} --timeout inf", "'inf' is no time like 90s, 20m", code=2),
    Bad("a score in words", f"{STUDY} --target-score high", "'high' is not a valid float", code=2),
    Bad("a space of no name", "study --space ", "no space '' and no file of that name; built-in"),
    Bad("an overlong space", f"study --space {LONG}", "and no file of that name; built-in spaces"),
    Bad("an overlong space to print", f"spaces {LONG}", "and no file of that name; built-in"),
    Bad("a folder as space", "spaces .", "no space '.' and no file of that name"),
    Bad("a second space", "spaces mlp cnn", "unexpected extra argument (cnn)", code=2),
    Bad("an overlong data file", f"data --data {LONG}", "is no readable .npz file ([Errno 36]"),
    Bad("a folder as data", "data --data .", ". is no file; --data takes the path of an .npz"),
    Bad("a pipe as data", "data --data pipe", "pipe is no file", lambda at: os.mkfifo(at / "pipe")),
    Bad("two studies", "status a b", "Got unexpected extra argument (b)", code=2),
    Bad("an experiment of spaces", f"{STUDY} --experiment \t", r"--experiment '\t' must be 1 to"),
    Bad("an overlong experiment", f"status --experiment {LONG}", "must be 1 to 500 characters"),
    Bad("a high port", "ui --port 65536", "65536 is not in the range 1<=x<=65535", code=2),
    Bad("endless epochs", "register --study a --epochs 9999999", "1<=x<=1000000", code=2),
    Bad("an option of another command", "sync --study a", "No such option '--study'", code=2),
    Bad("an option without a value", "data --data", "Option '--data' requires an argument", code=2),
)
# fmt: on


BOMB = "a: &a [x, x]\n" + "".join(
    f"{new}: &{new} [*{old}, *{old}, *{old}, *{old}, *{old}, *{old}, *{old}, *{old}]\n"
    for old, new in zip("abcdefghijk", "bcdefghijkl", strict=True)
)
"""Eight to the power of eleven values in 500 bytes, as in "billion laughs"."""
MERGED = BOMB.replace("[x, x]", "{x: 1}").replace("[*", "{<<: [*").replace("]\n", "]}\n")
MANY_FLAGS = "".join(f"  flag_{one}: [false, true]\n" for one in range(40))
ALL_FLAGS = ", ".join(f"flag_{one}: true" for one in range(40))
PRINT = "spaces bad.yaml"


# fmt: off
SPACES = (
    Bad("an empty file", PRINT, "must be a mapping with the keys name,", file("bad.yaml", "")),
    Bad("a comment", PRINT, "but is a NoneType", file("bad.yaml", "# nothing\n")),
    Bad("one word", PRINT, "but is a str", file("bad.yaml", "mlp")),
    Bad("no YAML", PRINT, "bad.yaml is no YAML: while parsing a flow", file("bad.yaml", "a: {")),
    Bad("a tab", PRINT, r"found character '\t' that cannot start", space("\ttrials: 3\n")),
    Bad("two documents", PRINT, "but found another document", space("---\n" + GRID)),
    Bad("Latin-1", PRINT, "cannot read bad.yaml: 'utf-8'", file("bad.yaml", b"name: f\xfcr\n")),
    Bad("a NUL", PRINT, "unacceptable character #x0000", space("about: \0\n")),
    Bad("a written NUL", PRINT, r"line 6: '\x00' has characters that no", space('about: "\\0"\n')),
    Bad("half a character", PRINT, r"'\ud83d' has characters", space('about: "\\ud83d"\n')),
    Bad("an endless text", PRINT, "line 6: a text has more than 5,000", space(f"about: {LONG}x\n")),
    Bad("an endless file", PRINT, "bad.yaml has more than 100,000 bytes", space("#" * 100_000)),
    Bad("a key twice", PRINT, "bad.yaml: line 6: 'name' stands twice", space("name: other\n")),
    Bad("an inner key twice", PRINT, "line 6: 'epochs' stands", space("fixed: {epochs: 1, epochs: 2}\n")),
    Bad("a list as key", PRINT, "found unhashable key", space("? [a]\n: 1\n")),
    Bad("an alias of nothing", PRINT, "found undefined alias 'a'", space("about: *a\n")),
    Bad("aliases of aliases", PRINT, "bad.yaml has more than 10,000 values, those", space(BOMB)),
    Bad("merged aliases", PRINT, "bad.yaml has more than 10,000 values, those", space(MERGED)),
    Bad("an alias of itself", PRINT, "bad.yaml has more than 10,000", space("about: &a [*a]\n")),
    Bad("very deep", PRINT, "bad.yaml is no YAML: it is nested too", space("about: " + "[" * 9_999)),
    Bad("deep enough to show", PRINT, "is not text", space(f"about: {'[' * 90}{']' * 90}\n")),
    Bad("a Python object", PRINT, "determine a constructor", changed("own", "!!python/object:os.system {}")),
    Bad("a Python call", PRINT, "constructor for the tag", changed("own", "!!python/name:os.system")),
    Bad("a tag without its value", PRINT, "a value is not of its type", space("about: !!bool maybe\n")),
    Bad("a time that is none", PRINT, "a value is not of its type", space("about: !!timestamp a\n")),
    Bad("a 13th month", PRINT, "is no YAML: month must be in 1..12", space("about: 2020-13-01\n")),
    Bad("a huge number", PRINT, "is beyond 9,007,199,254,740,992", changed("4", "1" + "0" * 300)),
    Bad("a huge hexadecimal", PRINT, "is beyond 9,007,199", changed("4", "0x" + "f" * 5_000)),
    Bad("an endless number", PRINT, "(4300 digits)", changed("4", "9" * 5_000)),
    Bad("infinite epochs", PRINT, "epochs: inf is not a whole", changed("[1, 2]", "[.inf]", base=GRID)),
    Bad("infinity in a model", PRINT, "width: inf is not a number, a word", changed("4", ".inf")),
    Bad("nan in a model", PRINT, "width: nan is not a number, a word", changed("4", ".nan")),
    Bad("one and true", PRINT, "1 and True are the same; keep one", changed("[4, 8]", "[1, true]")),
    Bad(
        "kinds mixed in a grid",
        PRINT,
        "parameters.width: a grid's choices are of one type, not int and str",
        file("bad.yaml", OWN.replace("optuna", "keras_tuner").replace("[4, 8]", "[4, wide]")),
    ),
    Bad(
        "conditions in a circle",
        PRINT,
        "parameters.a.when.b: is no parameter that stands before it; there: none",
        changed("width: [4, 8]", "a: {int: [1, 2], when: {b: 1}}, b: {int: [1, 2], when: {a: 1}}"),
    ),
    Bad(
        "conditions without number",
        PRINT,
        "cases apart, more than 10,000; let them name fewer parameters",
        changed("{width: [4, 8]}", f"\n{MANY_FLAGS}  width: {{int: [1, 2], when: {{{ALL_FLAGS}}}}}"),
    ),
    Bad("a fault of 50,000 letters", PRINT, " … ", changed("own", f"[{', '.join(['word'] * 9_000)}]")),
    Bad("hundreds of faults", PRINT, "faults more", space("".join(f"a{n}: 1\n" for n in range(900)))),
    Bad("a model above its folder", PRINT, "model: '..mine:build' is unknown", changed("mine:", "..mine:")),
)
# fmt: on


SHOW = "data --data bad.npz"
NO_ZIP = "bad.npz is no readable .npz file"


# fmt: off
DATA = (
    Bad("text", SHOW, NO_ZIP, file("bad.npz", "x_train,y_train\n")),
    Bad("half a zip", SHOW, NO_ZIP, lambda at: file("bad.npz", (at / "tiny.npz").read_bytes()[:900])(at)),
    Bad("a zip of other things", SHOW, "has no array x_train and no y_train", zipped({"a.txt": b"a"})),
    Bad("names with ..", SHOW, "has no array x_train", zipped({"../x_train.npy": b"", "y_train": b""})),
    Bad("no arrays inside", SHOW, "x_train is |S1 ()", zipped({"x_train": b"a", "y_train": b"a"})),
    Bad("an array of terabytes", SHOW, NO_ZIP, zipped({"x_train.npy": HUGE, "y_train.npy": HUGE})),
    Bad("a cut header", SHOW, NO_ZIP, zipped({"x_train.npy": UNFINISHED, "y_train.npy": HUGE})),
    Bad("an encrypted zip", SHOW, "is encrypted, password required", marked_as_encrypted),
    Bad("pickled images", SHOW, "Object arrays cannot be loaded", data(x_train=np.array([None] * 20))),
    Bad("pickled labels", SHOW, "Object arrays cannot be loaded", data(y_test=np.array([None] * 4))),
    Bad("16 bits", SHOW, "x_train is uint16 (20, 8, 8)", data(x_train=np.zeros((20, 8, 8), np.uint16))),
    Bad("a film", SHOW, "x_test is uint8 (4, 8, 8, 3, 2)", data(x_test=np.zeros((4, 8, 8, 3, 2), np.uint8))),
    Bad("images without pixels", SHOW, "x_train is uint8 (20, 0, 8)", data(x_train=np.zeros((20, 0, 8), np.uint8))),
    Bad("no test images", SHOW, "x_test is uint8 (0, 8, 8)", data(x_test=np.zeros((0, 8, 8), np.uint8))),
    Bad("labels with a point", SHOW, "y_test is float64 (4,)", data(y_test=np.zeros(4))),
    Bad("true and false", SHOW, "y_train is bool (20,)", data(y_train=np.repeat([True, False], 10))),
    Bad("negative test labels", SHOW, "y_test has labels outside 0 to 9999", data(y_test=np.array([0, 1, 0, -1]))),
    Bad("enormous labels", SHOW, "y_train has labels outside", data(y_train=np.array([2**63] * 20, np.uint64))),
    Bad("other test labels", SHOW, "has 4 images, y_test 3 labels", data(y_test=np.array([0, 1, 0]))),
    Bad("names in a square", SHOW, "class_names has shape (2, 2)", data(class_names=np.array([["a", "b"]] * 2))),
)
# fmt: on


# fmt: off
ADDRESSES = (
    Bad("an unknown server", f"{STUDY} --tracking-uri ftp://a/b", "neither an http(s) address nor"),
    Bad("no scheme", "sync --tracking-uri mlruns", "the tracking URI 'mlruns' is neither"),
    Bad("port 0", "ui --tracking-uri http://a:0", "'http://a:0' is neither an http(s) address"),
    Bad("runs in memory", f"{STUDY} --tracking-uri sqlite://", "sqlite:// keeps nothing; a file"),
    Bad("trials in memory", "status --storage sqlite:///:memory:", ":memory: keeps nothing"),
    Bad("trials nowhere", f"{STUDY} --storage sqlite:///", "sqlite:/// keeps nothing; a file is"),
    Bad("an unknown storage", "status --storage redis://h/d", "storage redis://h/d is neither"),
    Bad("a storage's bad port", "status --storage postgresql://me:secret@h:x/d", "me:***@h:x/d: inv"),
    Bad("no driver", "status --storage mysql://me:secret@h/d", "storage mysql://me:***@h/d is neither"),
    Bad("no such database", "sync --storage postgresql://127.0.0.1:9/d", "the storage postgresql://127.0.0.1:9/d: "),
    Bad("text as storage", "status --storage sqlite:///small.yaml", "file is not a database"),
    Bad("a folder as storage", "sync --storage sqlite:///.", "unable to open database file"),
    Bad("text as runs", "ui --tracking-uri sqlite:///small.yaml", "file is not a database"),
    Bad("a folder as runs", f"{STUDY} --tracking-uri sqlite:///.", "unable to open database file"),
    Bad("no such store", "register --study a --storage sqlite:////proc/x/s.db", "there is no store"),
    Bad("no such folder", f"{STUDY} --storage sqlite:////proc/x/s.db", "cannot lock /proc/x/locks"),
    Bad("an overlong storage", f"status --storage sqlite:///{OVERLONG}", "File name too long"),
    Bad("overlong runs", f"ui --tracking-uri sqlite:///{OVERLONG}", "File name too long"),
    Bad("an overlong home", f"status --home {OVERLONG}", "File name too long"),
    Bad("a read-only home", f"{STUDY} --home /proc/x", "cannot write in /proc/x: No such file or"),
    Bad("a file as home", "status --home small.yaml", "'small.yaml' is a file", code=2),
    Bad(
        "another program's storage",
        "status --storage sqlite:///other.db",
        "cannot open the storage sqlite:///other.db: it is a database of another program, not of",
        other_database,
    ),
    Bad(
        "another program's runs",
        f"{STUDY} --tracking-uri sqlite:///other.db",
        "cannot open other.db: it is a database of another program, not of MLflow",
        other_database,
    ),
)
# fmt: on


# fmt: off
ENVIRONMENTS = (
    Bad("no jobs", STUDY, "'FMSEARCH_JOBS'): 0 is not", code=2, environment={"FMSEARCH_JOBS": "0"}),
    Bad("many jobs", STUDY, "'many' is not a valid", code=2, environment={"FMSEARCH_JOBS": "many"}),
    Bad("a port by name", "ui", "'http' is not", code=2, environment={"FMSEARCH_UI_PORT": "http"}),
    Bad("no such data", STUDY, "no data set 'mnist'", environment={"FMSEARCH_DATA": "mnist"}),
    Bad("a home that is a file", "sync", "is a file", code=2, environment={"FMSEARCH_HOME": "own.yaml"}),
    Bad("a home in a file", STUDY, "own.yaml/x: Not a dir", environment={"FMSEARCH_HOME": "own.yaml/x"}),
    Bad("a senseless URI", STUDY, "'mlflow' is neither", environment={"MLFLOW_TRACKING_URI": "mlflow"}),
    Bad("a senseless storage", "status", "the storage here is neither", environment={"FMSEARCH_STORAGE": "here"}),
    Bad("a blank experiment", "sync", "--experiment ' '", environment={"MLFLOW_EXPERIMENT_NAME": " "}),
    Bad("a home that is not there", "data", "/proc/x/.cache/fmsearch", environment={"HOME": "/proc/x"}),
    Bad("a cache of nobody", "data", "set FMSEARCH_CACHE", environment={"FMSEARCH_CACHE": "~nobody-here/a"}),
    Bad("a cache in a file", "data", "Not a directory; run `f", environment={"FMSEARCH_CACHE": "own.yaml"}),
)
# fmt: on


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


NOTE = json.dumps({"settings": {}, "seed": 0, "error": "none", "failed_at": 0})
NOT_ON_RECORD = "delete that folder: if its trial is not on record yet, it is trained again"
SVM = GRID.replace("mlp", "svm")
WORKER = "worker --study small"
JOINABLE = recorded(versions=here().computing)


# fmt: off
STORES = (
    Bad("an entry without number", "sync", "trial-best is no trial of the outbox; move it somewhere else", entry("trial-best")),
    Bad("an entry of no trial", "sync", "trial-000009 is of no trial of the study; move it", entry("trial-000009", failure_json=NOTE)),
    Bad("an empty entry", "sync", "trial-000000/result.json is missing or damaged ([Errno 2]", entry("trial-000000")),
    Bad("broken JSON", "sync", "trial-000001/result.json is missing or damaged (Expecting", entry("trial-000001", result_json="{")),
    Bad("other JSON", "sync", NOT_ON_RECORD, entry("trial-000000", result_json="[1]")),
    Bad("half a note", "sync", "trial-000000/failure.json is missing or damaged", entry("trial-000000", failure_json="{}")),
    Bad("a file as entry", "sync", NOT_ON_RECORD, lambda at: entry("trial-000000")(at) or in_place_of(str(next(at.glob("mlruns/outbox/*/trial-*")).relative_to(at)))(at)),
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
    Bad("one as the best", "register --study small", "trial 0 was completed by another program", told_by_another),
    Bad("a study to join that is not there", "worker --study large", "no study 'large'; there are: small"),
    Bad("one that does not come", "worker --study large --wait 1s --home empty", "no study 'large': there is no store in"),
    Bad("a record without what workers need", WORKER, "was recorded by an earlier version of fmsearch, without what"),
    Bad("a record of a later version", WORKER, "was recorded by another version of fmsearch", recorded(color="red")),
    Bad("a study for one coordinator", WORKER, "the study 'small' is --reproducible, which is for one coordinator", recorded(versions=here().computing, lag=2)),
    Bad("another fmsearch", WORKER, "would not be those of the study 'small': fmsearch 9 there, 0.", recorded(versions={**here().computing, "fmsearch": "9"})),
    Bad("another TensorFlow", WORKER, "'small': tensorflow 1.0 there, 2.", recorded(versions={**here().computing, "tensorflow": "1.0"})),
    Bad("no data on this machine", f"{WORKER} --data gone.npz", "no data set 'gone.npz'; --data takes", JOINABLE),
    Bad("other data on this machine", f"{WORKER} --data bad.npz", "bad.npz is not the data set of the study 'small' (SHA-256", lambda at: [make(at) for make in (JOINABLE, data(y_test=np.array([1, 0, 1, 0])))]),
    Bad("runs in another store", WORKER, "the run of the study 'small' (0a1b2c) is not in the experiment 'fmsearch' of MLflow at", with_a_run_elsewhere),
    Bad("the storage as runs", f"{STUDY} --tracking-uri sqlite:///mlruns/studies.db", "it is a database of Optuna, not of MLflow"),
)
# fmt: on


def model(code: str) -> Make:
    """`mine.py`, the module of a user's own model."""
    return file("mine.py", f"import keras, os, sys\n{code}\n")


def network(output: str) -> Make:
    """A model that ends with this layer, or these layers."""
    return model(
        "def build(shape, classes, *, width):\n"
        "    images = keras.Input(shape)\n"
        "    flat = keras.layers.Flatten()(images)\n"
        f"    return keras.Model(images, {output}(flat))"
    )


OF_MY_OWN = "study --space own.yaml --offline --name fresh"
# fmt: off
MODELS = (
    Bad("no such module", OF_MY_OWN, "model: mine:build: ModuleNotFoundError: No module named 'mine'"),
    Bad("a module that is no Python", OF_MY_OWN, "mine:build: SyntaxError: invalid syntax (mine.py", model("def build(:")),
    Bad("a module that raises", OF_MY_OWN, "mine:build: ZeroDivisionError: division by zero", model("1 / 0")),
    Bad("no such function", OF_MY_OWN, "module 'mine' has no attribute 'build'", model("")),
    Bad("no function", OF_MY_OWN, "mine:build: TypeError: 'int' object is not callable", model("build = 3")),
    Bad("other parameters", OF_MY_OWN, "got an unexpected keyword argument 'width'", model("def build(shape, classes): ...")),
    Bad("an error of two lines", OF_MY_OWN, "mine:build: ValueError: one two", model("def build(*_, width): raise ValueError('one\\ntwo')")),
    Bad("no network", OF_MY_OWN, "it gives a NoneType, not a keras.Model", model("def build(*_, width): ...")),
    Bad("a function without end", OF_MY_OWN, "RecursionError", model("def build(*_, width): return build(width=width)")),
    Bad("a function that exits", OF_MY_OWN, "mine:build: it ends its process when it is built (exit code 0)", model("def build(*_, width): os._exit(0)")),
    Bad("too many classes", OF_MY_OWN, "it gives outputs of shape (2, 3) for 2 images, not (2, 2)", network("keras.layers.Dense(3, 'softmax')")),
    Bad("no softmax", OF_MY_OWN, "its outputs are no probabilities: end it with a softmax", network("keras.layers.Dense(2)")),
    Bad("a parameter of our own name", "study --space bad.yaml --offline --name fresh", "it gives a NoneType, not a keras.Model", lambda at: [make(at) for make in (changed("width", "shape"), model("def build(*_, shape): ..."))]),
)
# fmt: on


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
    from fmsearch.models.data import describe
    from fmsearch.search.space.load import read_space
    from fmsearch.search.storage.storage import open_storage
    from fmsearch.search.storage.study_config import StudyConfig

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
    assert len({bad.name for bad in ALL}) == len(ALL) >= 60


def test_a_deleted_experiment_is_one_line_and_what_waits_stays(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from fmsearch.places import Places
    from fmsearch.tracking.store import Store

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
    assert re.search(r"small +2 ", capfd.readouterr().out)
