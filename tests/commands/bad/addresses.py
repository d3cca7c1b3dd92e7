"""Bad addresses of storages and stores, and bad variables of the environment."""
# ruff: noqa: E501  # the table has a case in a line

from __future__ import annotations

import sqlite3
from pathlib import Path

from .case import STUDY, Bad

OVERLONG = f"{'y' * 300}.db"
"""More than the 255 characters that a file's name may have."""


def other_database(folder: Path) -> None:
    database = sqlite3.connect(folder / "other.db")
    database.execute("CREATE TABLE customers (name)")
    database.close()


AWAY = "9 cannot be reached (ConnectionError); start it or mend MLFLOW_TRACKING_URI\n"

# fmt: off
ADDRESSES = (
    Bad("an unknown server", f"{STUDY} --tracking-uri ftp://a/b", "neither an http(s) address nor"),
    Bad("no scheme", "sync --tracking-uri mlruns", "the tracking URI 'mlruns' is neither"),
    Bad("port 0", "ui --tracking-uri http://a:0", "'http://a:0' is neither an http(s) address"),
    Bad("runs in memory", f"{STUDY} --tracking-uri sqlite://", "sqlite:// keeps nothing; a file"),
    Bad("trials in memory", "status --storage sqlite:///:memory:", ":memory: keeps nothing"),
    Bad("trials nowhere", f"{STUDY} --storage sqlite:///", "sqlite:/// keeps nothing; a file is"),
    Bad("a host of a file", "status --storage sqlite://a.db", "sqlite://a.db names no file by its path"),
    Bad("SQLite's own URI", f"{STUDY} --tracking-uri sqlite:///file::memory:?uri=true", "names no file"),
    Bad("trials in memory by a driver", "sync --storage sqlite+pysqlite://", "keeps nothing; a file"),
    Bad("a NUL in a path", "status --storage sqlite:///a%00b", "names no file by its path"),
    Bad("a password with a slash", "status --storage redis://me:a/b@h/d", "storage redis://me:***@h/d is"),
    Bad("a key", "ui --tracking-uri ftp://h/?api_key=secret", "'ftp://h/?api_key=***' is neither"),
    Bad("an unknown storage", "status --storage redis://h/d", "storage redis://h/d is neither"),
    Bad("a storage's bad port", "status --storage postgresql://me:secret@h:x/d", "me:***@h:x/d: inv"),
    Bad("no driver", "status --storage mysql://me:secret@h/d", "storage mysql://me:***@h/d is neither"),
    Bad("no such database", "sync --storage postgresql://127.0.0.1:9/d", "the storage postgresql://127.0.0.1:9/d: "),
    Bad("a registry that is away", "predict tiny.npz --tracking-uri http://127.0.0.1:9", AWAY),
    Bad("a registry that is away to test", "evaluate a --tracking-uri http://127.0.0.1:9", AWAY),
    Bad("a registry that is away to serve", "serve a --tracking-uri http://127.0.0.1:9", AWAY),
    Bad("a run that is away", "replay a --tracking-uri http://127.0.0.1:9", AWAY),
    Bad("a store that is away to browse", "ui --tracking-uri http://127.0.0.1:9", AWAY),
    Bad("a store that a study can do without", f"{STUDY} --tracking-uri http://127.0.0.1:9", f"{AWAY.strip()}, or go on without by --offline\n"),
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
        "/other.db: it is a database of another program, not of Optuna",
        other_database,
    ),
    Bad(
        "another program's runs",
        f"{STUDY} --tracking-uri sqlite:///other.db",
        "/other.db: it is a database of another program, not of MLflow",
        other_database,
    ),
)




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
    Bad("no library of kernels", STUDY, "FMSEARCH_KERNELS: 'mkl' is unknown; it is eigen or", environment={"FMSEARCH_KERNELS": "mkl"}),
    Bad("no library of TensorFlow's", STUDY, "TF_ENABLE_ONEDNN_OPTS: 'on' is unknown", environment={"TF_ENABLE_ONEDNN_OPTS": "on"}),
    Bad("a blank experiment", "sync", "--experiment ' '", environment={"MLFLOW_EXPERIMENT_NAME": " "}),
    Bad("a home that is not there", "data", "/proc/x/.cache/fmsearch", environment={"HOME": "/proc/x"}),
    Bad("a cache of nobody", "data", "set FMSEARCH_CACHE", environment={"FMSEARCH_CACHE": "~nobody-here/a"}),
    Bad("a cache in a file", "data", "Not a directory; run `f", environment={"FMSEARCH_CACHE": "own.yaml"}),
)
