"""The program, loaded once: each command is run in a fork of this process.

    python tests/warm_program.py

Reads requests from standard input, a line of JSON each: `arguments`, `folder`, `environment`,
`stdout` and `stderr` (paths); answers with the exit code. All is real, processes and files
included: only the 7 s of CPU that a study spends loading TensorFlow and MLflow are spared, and
the 1.2 s of MLflow's migrations, as new databases are copies of one that they made.
How the program starts, and is killed, is for tests that start the installed one.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import sys
import tempfile
import traceback
from collections.abc import Sequence
from contextlib import closing, suppress
from importlib import import_module
from multiprocessing import util
from pathlib import Path
from typing import Any, NoReturn

LOADED = (
    "fmsearch.models.network",
    "fmsearch.cli",
    "fmsearch.search.engines.grid_oracle",
    "fmsearch.search.engines.optuna_engine",
    "fmsearch.search.study.run",
    "fmsearch.search.runs.search_figures",
    "fmsearch.tracking.store",
    "matplotlib.pyplot",
    "mlflow.pyfunc",
    "mlflow.store.tracking.sqlalchemy_store",
    "optuna",
)


def fork_python(path: str, arguments: Sequence[str | bytes], passed: Sequence[int]) -> int:
    """In place of `multiprocessing.util.spawnv_passfds`: a fork that runs the same `-c` code."""
    code = arguments[arguments.index("-c") + 1]
    pid = os.fork()
    if pid:
        return pid
    try:
        for number in signal.valid_signals():
            if callable(signal.getsignal(number)):
                signal.signal(number, signal.SIG_DFL)  # as a new program has it
        kept = {0, 1, 2, *passed}
        for one in list(Path("/proc/self/fd").iterdir()):
            if int(one.name) not in kept:
                with suppress(OSError):  # the one that listed them
                    os.close(int(one.name))
        with suppress(SystemExit):
            exec(code, {"__name__": "__main__"})  # multiprocessing's own line
        sys.stderr.flush()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def spare_migrations() -> None:
    """Let MLflow's tables in a new SQLite file be a copy of those that MLflow made just now."""
    from mlflow.store.db import utils
    from sqlalchemy import Engine, create_engine, inspect

    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, "mlflow.db")
        engine = create_engine(f"sqlite:///{made}")
        utils._initialize_tables(engine)
        engine.dispose()
        content = made.read_bytes()
    migrate = utils._initialize_tables

    def copy_tables(new: Engine) -> None:
        if new.dialect.name == "sqlite" and not inspect(new).get_table_names():
            with (
                closing(sqlite3.connect(":memory:")) as source,
                closing(new.raw_connection()) as target,
            ):
                source.deserialize(content)
                source.backup(target.driver_connection)
        else:
            migrate(new)

    utils._initialize_tables = copy_tables


def run(request: dict[str, Any]) -> NoReturn:
    """Be the program that was asked for."""
    os.setsid()
    for number, name, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, request["stdout"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        (2, request["stderr"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
    ):
        opened = os.open(name, flags)
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = ["fmsearch", *request["arguments"]]
    random.seed()
    util.spawnv_passfds = fork_python
    from fmsearch.cli import program

    try:
        program()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)


def main() -> None:
    """Answer requests until there are no more."""
    for name in LOADED:
        import_module(name)
    spare_migrations()
    while line := sys.stdin.readline():
        pid = os.fork()
        if pid == 0:
            run(json.loads(line))
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
