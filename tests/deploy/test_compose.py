"""docker-compose.yml and the files beside it, as they stand."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import yaml
from compose_spec import PyCompose
from dotenv import dotenv_values
from mlflow.server.auth.config import read_auth_config

from fmsearch.tracking import ui_app

from .compose_file import (
    COMPOSE,
    FILES,
    ROOT,
    SECRETS,
    SERVICES,
    copy_project,
    interpolate,
    make_secrets,
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what `make secrets` needs, with its .env."""
    folder = tmp_path_factory.mktemp("project")
    copy_project(folder)
    return folder


def test_every_secret_is_drawn_and_only_its_owner_may_read_it(project: Path) -> None:
    drawn = dotenv_values(project / ".env")
    values = [drawn[name] or "" for name in SECRETS]
    assert len(set(values)) == len(SECRETS)
    assert min(map(len, values)) >= 43  # 32 random bytes
    assert oct((project / ".env").stat().st_mode & 0o777) == "0o600"


def test_secrets_are_never_overwritten(project: Path) -> None:
    before = (project / ".env").read_text()
    again = make_secrets(project)
    assert (again.returncode, (project / ".env").read_text()) == (1, before)
    assert again.stderr == ".env is there already; remove it first if new secrets are wanted\n"


def test_no_secret_is_committed_or_gets_into_the_image() -> None:
    example = dotenv_values(ROOT / ".env.example")
    assert [example[name] for name in SECRETS] == [""] * len(SECRETS)
    assert "/.env" in (ROOT / ".gitignore").read_text().splitlines()
    assert (ROOT / ".dockerignore").read_text().splitlines()[1] == "*"


@pytest.mark.parametrize("name", [*SECRETS, "MLFLOW_USERNAME", "MLFLOW_WORKER_USERNAME"])
@pytest.mark.parametrize("value", ["", None])
def test_nothing_starts_while_a_secret_is_missing_or_empty(
    project: Path, name: str, value: str | None
) -> None:
    variables = {**dotenv_values(project / ".env"), name: value}
    with pytest.raises(ValueError, match=f"{name}: run make secrets"):
        interpolate(SERVICES, variables)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.name))
def test_the_file_follows_the_compose_specification(project: Path, file: Path) -> None:
    bucket = dict.fromkeys(re.findall(r"S3_\w+", file.read_text()), "s3://bucket")
    variables = {**dotenv_values(project / ".env"), **bucket}
    document = interpolate(yaml.safe_load(file.read_text()), variables)
    assert set(PyCompose.from_yaml(yaml.safe_dump(document)).service_names()) <= set(SERVICES)
    document["services"]["mlflow"]["prots"] = []
    with pytest.raises(ValueError, match="prots"):
        PyCompose.from_yaml(yaml.safe_dump(document))


def test_a_linter_of_compose_files_finds_nothing_but_tags_without_digests() -> None:
    # Digests would have to be renewed with every security update of the base images.
    command = [Path(sys.executable).with_name("compose-lint"), "--format", "json", FILES[0]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = {(one["rule_id"], one["severity"]) for one in json.loads(done.stdout)["findings"]}
    assert found == {("CL-0019", "medium")}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_can_do_no_more_than_it_must(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "network_mode", "pid", "ipc", "devices"} & set(service)
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert service.get("user") == "postgres" or "\nUSER 10001:10001\n" in dockerfile
    assert not any("docker.sock" in volume for volume in service.get("volumes", []))


def test_the_app_of_mlflows_server_is_there_where_fmsearch_is_installed() -> None:
    name = SERVICES["mlflow"]["command"][-1]
    (app,) = [one for one in entry_points(group="mlflow.app") if one.name == name]
    assert app.load() is ui_app.create_app_with_accounts


def test_mlflow_remembers_for_a_minute_that_a_password_was_right(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_AUTH_CONFIG_PATH", str(ROOT / "deploy" / "mlflow" / "auth.ini"))
    assert read_auth_config().auth_cache_ttl_seconds == 60


def test_only_the_two_web_pages_are_published_and_only_on_loopback() -> None:
    published = {name: one["ports"] for name, one in SERVICES.items() if "ports" in one}
    assert set(published) == {"mlflow", "dashboard"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_what_publishes_nothing_has_no_way_out_either() -> None:
    inside = {name for name, one in SERVICES.items() if one["networks"] == ["inside"]}
    assert inside == {"postgres", "accounts", "worker", "study", "register"}
    assert COMPOSE["networks"]["inside"] == {"internal": True}


def test_each_service_waits_for_those_it_needs() -> None:
    needs = {name: one.get("depends_on", {}) for name, one in SERVICES.items()}
    searcher = {"postgres", "mlflow", "accounts"}
    assert {name: set(one) for name, one in needs.items()} == {
        "postgres": set(),
        "mlflow": {"postgres"},
        "accounts": {"mlflow"},
        "worker": searcher,
        "study": searcher,
        "register": searcher,
        "dashboard": {"postgres"},
    }
    for one in needs.values():
        for needed, how in one.items():
            ends = needed == "accounts"
            until = "completed_successfully" if ends else "healthy"
            assert how == {"condition": f"service_{until}"}
            assert ends or "healthcheck" in SERVICES[needed]


def test_the_administrator_of_mlflow_is_known_to_those_alone_who_need_it() -> None:
    knows = {name for name, one in SERVICES.items() if "${MLFLOW_PASSWORD" in str(one)}
    assert knows == {"mlflow", "accounts", "register"}


@pytest.mark.parametrize("script", sorted(ROOT.glob("deploy/**/*.sh")), ids=lambda path: path.name)
def test_a_script_is_well_formed(script: Path) -> None:
    done = subprocess.run(["bash", "-n", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert os.access(script, os.X_OK)


def test_a_pod_can_do_no_more_than_a_container() -> None:
    job = yaml.safe_load((ROOT / "deploy" / "kubernetes.yaml").read_text())
    pod = job["spec"]["template"]["spec"]
    (worker,) = pod["containers"]
    assert (job["kind"], job["spec"]["completionMode"]) == ("Job", "Indexed")
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001
    assert worker["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert worker["command"][:3] == ["fmsearch", "worker", "--study"]
    assert [one["name"] for one in worker["env"]] == ["FMSEARCH_HOME"]  # all else is a Secret
