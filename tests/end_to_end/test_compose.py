"""docker-compose.yml without containers: each service's own command, with its own environment."""

from __future__ import annotations

import base64
import http.client
import json
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from dotenv import dotenv_values

from ..conftest import WarmProgram
from ..deploy.compose_file import ROOT, SECRETS, SERVICES, copy_project, interpolate
from .stack import POSTGRES_PROGRAMS, SPACE, TRIALS, Stack, free_port, initialise


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what `make secrets` needs, with its .env."""
    folder = tmp_path_factory.mktemp("project")
    copy_project(folder)
    return folder


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that PostgreSQL's user can reach: pytest keeps its own to their owner."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def stack(project: Path, images: Path, folder: Path) -> Iterator[Stack]:
    """PostgreSQL and MLflow, healthy, with its accounts; two workers and a study, begun."""
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
    for service in ("mlflow", "dashboard"):
        for file in (ROOT / "deploy" / service).iterdir():
            here = stack.folder_of(service, f"/etc/{service}") / file.name
            here.parent.mkdir(exist_ok=True)
            here.write_text(stack.here(service, file.read_text()))
    try:
        initialise(stack)
        stack.start("mlflow")
        stack.wait_healthy("mlflow")  # on which all others wait
        stack.start("accounts")
        assert stack.wait_end("accounts") == 0, stack.log("accounts").read_text()
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


def test_mlflows_ui_opens_on_the_trials_for_its_administrator(ended: Stack) -> None:
    url = f"http://127.0.0.1:{ended.ports['mlflow']}/study/composed"
    assert requests.get(url, timeout=30).status_code == 401
    # MLflow shows a page that it does not know to its administrator alone.
    assert requests.get(url, auth=ended.account("WORKER_"), timeout=30).status_code == 403
    page = requests.get(url, auth=ended.account(), timeout=30)
    (study,) = [run for run in ended.runs() if run["info"]["run_name"] == "composed"]
    tags = {tag["key"]: tag["value"] for tag in study["data"]["tags"]}
    view = f"viewStateShareKey={tags['fmsearch.study_id']}&workflowType=machine_learning"
    where = f"../#/experiments/{study['info']['experiment_id']}/runs?{view}"
    assert f'location.replace("{where}")' in page.text
    missing = requests.get(f"{url}-2", auth=ended.account(), timeout=30)
    assert (missing.status_code, missing.headers["Content-Type"]) == (
        404,
        "text/plain; charset=utf-8",
    )


def test_mlflow_answers_no_page_that_calls_it_by_another_name(stack: Stack) -> None:
    url = f"http://127.0.0.1:{stack.ports['mlflow']}/api/2.0/mlflow/experiments/search"
    answer = requests.post(url, headers={"Host": "evil.example"}, json={}, timeout=30)
    assert answer.status_code == 403


def test_workers_write_their_runs_and_no_more(ended: Stack) -> None:
    (run,) = [one for one in ended.runs() if one["info"]["run_name"] == "composed-0001"]
    mine = run["info"]["experiment_id"]
    theirs = ended.mlflow("experiments/create", name="theirs")["experiment_id"]
    asked = {
        "tag a run": ("runs/set-tag", {"run_id": run["info"]["run_id"], "key": "a", "value": "b"}),
        "write elsewhere": ("runs/create", {"experiment_id": theirs}),
        "register": ("registered-models/create", {"name": "champion"}),
        "make users": ("users/create", {"username": "other", "password": "long-enough-one"}),
    }
    codes = {
        what: ended.ask(path, "WORKER_", **body).status_code for what, (path, body) in asked.items()
    }
    assert codes == {"tag a run": 200, "write elsewhere": 403, "register": 403, "make users": 403}
    made = ended.ask("runs/create", "WORKER_", experiment_id=mine).json()["run"]["info"]["run_id"]
    # Of a request that was made twice, one run is deleted.
    assert ended.ask("runs/delete", "WORKER_", run_id=made).status_code == 200


def test_the_account_of_the_workers_is_made_as_often_as_one_likes(ended: Stack) -> None:
    before = ended.mlflow("experiments/create", name="before")["experiment_id"]
    ended.services["accounts"]["environment"]["MLFLOW_EXPERIMENT_NAME"] = "before"
    for number in ("2", "3"):
        ended.start("accounts", f"accounts-{number}")
        log = ended.log(f"accounts-{number}")
        assert ended.wait_end(f"accounts-{number}") == 0, log.read_text()
    assert log.read_text().splitlines()[-1] == "the account 'worker' of the workers is ready"
    # The experiment of a stack whose workers had the administrator's account.
    assert ended.ask("runs/create", "WORKER_", experiment_id=before).status_code == 200


def test_the_best_trial_is_registered_with_the_administrators_account(ended: Stack) -> None:
    ended.start("register")
    assert ended.wait_end("register") == 0, ended.log("register").read_text()
    found = requests.get(
        f"http://127.0.0.1:{ended.ports['mlflow']}/api/2.0/mlflow/registered-models/search",
        auth=ended.account(), timeout=30,
    ).json()  # fmt: skip
    assert len(found["registered_models"]) == 1


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
    stored, mlflow = (str(stack.variables[f"{name}_PASSWORD"]) for name in ("LEDGER", "MLFLOW_DB"))
    assert psql(stack, "ledger", "ledger", stored) == "1"
    assert psql(stack, "mlflow", "mlflow_users", mlflow) == "1"
    assert "password authentication failed" in psql(stack, "ledger", "ledger", "ledger")
    assert "permission denied for database" in psql(stack, "ledger", "mlflow_users", stored)
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
    names = (f"localhost:{ended.ports['dashboard']}", "evil.example", "127.0.0.1.evil.example", "")
    codes = [requests.get(url, headers={"Host": name}, timeout=10).status_code for name in names]
    assert codes == [200, 403, 403, 403]
    assert requests.delete(f"{url}/{studies[0]['study_id']}", timeout=10).status_code == 500
    assert len(requests.get(url, timeout=10).json()["study_summaries"]) == 1


@pytest.mark.parametrize(
    "path", ["%2e%2e/escaped", "..%2fescaped", "%2fescaped", "a/../../escaped"]
)
def test_no_artifact_leaves_the_volume(stack: Stack, path: str) -> None:
    account = stack.account()
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
    ended: Stack, warm_program: WarmProgram, change: dict[str, str], line: str
) -> None:
    addresses = {name: f"127.0.0.1:{port}" for name, port in ended.ports.items()}
    changed = {name: value.format(**addresses) for name, value in change.items()}
    environment = {**ended.environment("study", "mistaken"), **changed}
    environment["FMSEARCH_HOME"] = str(ended.folder / "mistaken")
    files = ended.folder_of("study", "/files")
    command = ("-v", "study", "--space", "composed.yaml", "--name", "composed")
    done = warm_program.run(files, *command, **environment)
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
