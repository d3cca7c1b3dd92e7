"""The program, loaded once: each command is run in a fork of this process.

    python tests/warm_program.py TABLES

Reads requests from standard input, a line of JSON each:

| key | what it is |
|---|---|
| `arguments` | of the command |
| `folder`, `environment` | in which it is run |
| `stdout`, `stderr` | paths that it writes to |
| `told` | a path, of a pipe: it is told the command's process number, and later its exit code |
| `first` | Python code that is run before the command; may be empty |
| `most_bytes` | the largest file that the command may write; null for no limit |
| `migrates` | whether MLflow makes new tables itself; else they are copied from the file TABLES |

Commands run side by side. All is real, processes and files included: only the 7 s of CPU that a
study spends loading TensorFlow and MLflow are spared, the 1.2 s of MLflow's migrations, and the
40 ms of reading their scripts whenever a database is opened.
How the program starts is for tests that start the installed one.
"""

from __future__ import annotations

import json
import os
import random
import resource
import select
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from multiprocessing import util
from pathlib import Path
from typing import Any, NoReturn

from alembic_scripts import read_now
from mlflow_tables import copy_from, migrate_again

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


def run(request: dict[str, Any], told: int) -> NoReturn:
    """Be the program that was asked for."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, name, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, request["stdout"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        (2, request["stderr"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
    ):
        opened = os.open(name, flags)
        os.dup2(opened, number)
        os.close(opened)
    # Made anew, as at the start of a program: the old ones know whether theirs were files.
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, errors="backslashreplace", closefd=False)
    os.write(told, f"{os.getpid()}\n".encode())
    os.close(told)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = ["fmsearch", *request["arguments"]]
    random.seed()
    util.spawnv_passfds = fork_python
    if request["most_bytes"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["most_bytes"],) * 2)
    if request["migrates"]:
        migrate_again()
    from fmsearch.cli import program

    try:
        exec(request["first"], {})
        program()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)


def events() -> Iterator[str]:
    """Requests as they come, and an empty line whenever a command has ended."""
    ends, wakes = os.pipe()
    for one in (ends, wakes):
        os.set_blocking(one, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    said = b""
    while True:
        ready, _, _ = select.select([0, ends], [], [])
        if ends in ready:
            os.read(ends, 4096)
            yield ""
        if 0 in ready:
            more = os.read(0, 65536)
            if not more:
                return
            *lines, said = (said + more).split(b"\n")
            yield from (line.decode() for line in lines)


def main() -> None:
    """Answer requests until there are no more."""
    for name in LOADED:
        import_module(name)
    copy_from(Path(sys.argv[1]))
    read_now()
    sys.path.remove(str(Path(__file__).parent))  # which is for this script alone
    told: dict[int, int] = {}
    for line in events():
        if line:
            request = json.loads(line)
            one = os.open(request["told"], os.O_WRONLY)
            pid = os.fork()
            if pid == 0:
                for other in told.values():
                    os.close(other)
                run(request, one)
            told[pid] = one
            continue
        for pid in list(told):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                with suppress(BrokenPipeError):  # nobody waits for it any more
                    os.write(told[pid], f"{os.waitstatus_to_exitcode(status)}\n".encode())
                os.close(told.pop(pid))


if __name__ == "__main__":
    main()
