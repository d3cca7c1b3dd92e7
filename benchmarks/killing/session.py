"""Sessions: single starts of a command, whose processes can be observed, stopped and killed."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Collection
from pathlib import Path

LONGEST_DELAY = {
    "starting": 3.0,
    "migrating": 4.0,
    "training": 0.5,
    "evaluating": 0.1,
    "saving": 0.2,
    "shipping": 0.5,
    "registering": 0.2,
}
"""The longest wait in each phase before the kill, in seconds."""


class Session:
    """One start of a command, in a process group of its own."""

    def __init__(
        self, command: list[str], home: Path, log: Path, environment: dict[str, str] | None = None
    ) -> None:
        """Start it in the folder of `home`; `environment` is added to that of this process."""
        self._home, self._log = home, log
        variables = {**os.environ, **(environment or {})}
        with log.open("w") as file:
            self._process = subprocess.Popen(
                command, cwd=home.parent, env=variables, stdout=file, stderr=file,
                start_new_session=True,
            )  # fmt: skip
        self.pid = self._process.pid
        self.begun = time.monotonic()

    @property
    def code(self) -> int | None:
        """The coordinator's exit code; None while it runs."""
        return self._process.poll()

    @property
    def said(self) -> str:
        return self._log.read_text()

    def phases(self) -> dict[str, int]:
        """The current phases, each with the id of a process that is in it."""
        if self.code is not None:
            return {}
        last: dict[int, tuple[str, str]] = {}
        for line in self.said.splitlines():
            if found := re.match(r"INFO fmsearch\S*?(\[(\d+)\])?: (\w+)(.*)", line):
                _, pid, word, rest = found.groups()
                last[int(pid or self.pid)] = (word, rest.rpartition(" ")[2])
        going_on = {} if last else {"starting": self.pid}
        for pid, (word, what) in last.items():
            if pid == self.pid or alive(pid):
                going_on |= self._phase(pid, word, what)
        return going_on

    def _phase(self, pid: int, word: str, what: str) -> dict[str, int]:
        if word == "making":
            return {} if (self._home / "mlflow.db").exists() else {"migrating": pid}
        if word == "saving":
            is_saved = any(self._home.glob(f"outbox/*/{what}")) or any(
                self._home.glob(f"finals/{what}")
            )
            return {} if is_saved else {"saving": pid}
        if word == "shipping" and what.isdigit():  # a trial, until its folder is removed
            entry = f"outbox/*/trial-{int(what):06d}"
            return {"shipping": pid} if any(self._home.glob(entry)) else {}
        return {word: pid} if word in LONGEST_DELAY else {}

    def members(self) -> dict[str, list[int]]:
        """Ids of the session's processes, by kind."""
        parents = {pid: parent for pid, parent, group, _ in processes() if group == self.pid}
        server = [pid for pid in parents if b"forkserver" in cmdline(pid)]
        root = [pid for pid in server if parents[pid] not in server]
        return {"fork server": root, "trainer": [pid for pid in server if pid not in root]}

    def everyone(self) -> list[int]:
        """Ids of all its processes."""
        return [pid for pid, _, group, _ in processes() if group == self.pid]

    def stop(self) -> None:
        """Stop all processes, and wait until all are stopped."""
        self._signal(signal.SIGSTOP)
        until = time.monotonic() + 1
        while time.monotonic() < until:
            states = {state for _, _, group, state in processes() if group == self.pid}
            if states <= {"T", "Z"}:
                return
            time.sleep(0.001)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill all processes."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def kill_coordinator(self) -> None:
        """Kill the coordinator alone, and continue the other processes."""
        os.kill(self.pid, signal.SIGKILL)
        self.go_on()
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)


def leftovers(groups: Collection[int]) -> list[str]:
    """Processes of ended sessions, known by their groups, that still run after 10 s."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        found = processes()
        left = [pid for pid, _, group, state in found if group in groups and state != "Z"]
        if not left:
            return []
        time.sleep(0.1)
    return [f"process {pid} lives on: {cmdline(pid)!r}" for pid in left]


def processes() -> list[tuple[int, int, int, str]]:
    """All processes: id, parent's id, group, state."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent, group, *_ = stat.read_text().rsplit(")", 1)[1].split()
            found.append((int(stat.parent.name), int(parent), int(group), state))
    return found


def alive(pid: int) -> bool:
    """Whether there is a process with this id."""
    return Path(f"/proc/{pid}").exists()


def cmdline(pid: int) -> bytes:
    """A process's command; empty if it has ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""
