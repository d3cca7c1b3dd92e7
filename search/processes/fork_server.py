"""The fork server: a process that has loaded TensorFlow, from which trainers are forked."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import forkserver, util
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import FmsearchError, full_disk, too_little_memory
from ...models.environment_variables import fix_environment_variables
from ...models.kernels import computed_by
from ...text import one_line
from .scratch import restore_scratch, scratch_folder, temporary_files_in
from .signals import is_main_thread

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess
    from multiprocessing.process import BaseProcess

MOST_STARTS = 4
START_PAUSE = 0.5
"""Seconds: a process that is killed is still there for a moment, and takes no orders."""
PRELOADED = "fmsearch.models.preload"

_kernels = ""
"""The library of the fork server, and of another one that Python starts in its place."""


@dataclass(frozen=True)
class MachineFailed:
    """A process cannot do its work on this machine, whatever it is asked; no other could.

    Attributes:
        error: What the user is told.
    """

    error: str

    @classmethod
    def by(cls, error: Exception, what: str) -> MachineFailed:
        """From an error; `what` says in words what could not be done."""
        if known := full_disk(error) or too_little_memory(error):
            return cls(known)
        if isinstance(error, FmsearchError):
            return cls(str(error))
        said = one_line(f"{type(error).__name__}: {error}")
        return cls(f"{what} ({said}); mend that, and run the same command")


def load_tensorflow_in_advance(kernels: str = "") -> None:
    """Start the fork server, which then loads TensorFlow in the background.

    Loading takes 4 s of CPU and 0.3 GB. Forked trainers share both, so that a dead one is replaced
    in milliseconds. Forking is safe, because the fork server has no computing threads. A fork
    server with other kernels is ended, so there must be no trainers of it any more.

    Args:
        kernels: The library that trainers compute with; empty for TensorFlow's own choice.
    """
    global _kernels
    if kernels != _kernels:
        forkserver._forkserver._stop()  # type: ignore[attr-defined]  # there is no public way
        _kernels = kernels
    fix_environment_variables()
    multiprocessing.get_context("forkserver").set_forkserver_preload([PRELOADED])
    with temporary_files_in(scratch_folder()), computed_by(_kernels), _deaf_to_ctrl_c():
        forkserver.ensure_running()


@contextlib.contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Let what is started be deaf to Ctrl-C, which reaches the whole process group: the coordinator
    alone reacts to it. In another thread than the first, Python lets nobody do that."""
    if not is_main_thread():
        yield
        return
    heard = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, heard)


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    """Let a process that is started not import this one's program, which a trainer does not need:
    a script that runs a study at its top would run it in each."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def start_process(
    run: Callable[..., None], *arguments: object
) -> tuple[ForkServerProcess, Connection]:
    """Start a process that ends with this one, and give one end of a connection with it.

    It calls `run` with the other end and the arguments; `receive` gives what that sends. Python
    starts another fork server where that one died, or has lost its temporary files.

    Raises:
        FmsearchError: The fork server died again and again.
    """
    context = multiprocessing.get_context("forkserver")
    for _ in range(MOST_STARTS):
        restore_scratch()
        ours, theirs = context.Pipe()
        process = context.Process(target=_run, args=(run, theirs, *arguments), daemon=True)
        try:
            # A fork server that Python starts in its place has the same files and kernels.
            with temporary_files_in(scratch_folder()), computed_by(_kernels), _without_main():
                process.start()
            theirs.close()
            return process, ours
        except (EOFError, ConnectionError):  # it died while it was asked
            pass
        except FileNotFoundError:  # its socket is gone with all temporary files
            _end_fork_server()
        time.sleep(START_PAUSE)
    raise FmsearchError(
        f"the process that trainers are forked from died {MOST_STARTS} times at its start; "
        "its own messages are above. The same command goes on"
    )


def _end_fork_server() -> None:
    """Let Python start another one, whose socket it makes in the folder that it keeps for that."""
    Path(util.get_temp_dir()).mkdir(0o700, parents=True, exist_ok=True)
    pid = vars(forkserver._forkserver)["_forkserver_pid"]  # Python offers no other way
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def receive(connection: Connection) -> Any:
    """The next message of a process that `start_process` has started.

    Raises:
        FmsearchError: It cannot do its work on this machine.
        EOFError, OSError: It died.
    """
    message = connection.recv()
    if isinstance(message, MachineFailed):
        raise FmsearchError(message.error)
    return message


def _run(run: Callable[..., None], connection: Connection, *arguments: object) -> None:
    _end_with_the_coordinator()
    from ...models.preload import ERROR  # loads TensorFlow: in forked processes only

    if ERROR is not None:
        connection.send(MachineFailed.by(ERROR, "TensorFlow and Keras cannot be loaded here"))
        return
    run(connection, *arguments)


def _end_with_the_coordinator() -> None:
    """Let this process end with the coordinator, however that ends: the next one begins at once,
    and a trainer of an earlier session would write where its own trainers do."""

    def wait(coordinator: BaseProcess) -> None:
        coordinator.join()
        os._exit(1)

    if (parent := multiprocessing.parent_process()) is not None:
        threading.Thread(target=wait, args=(parent,), daemon=True).start()
