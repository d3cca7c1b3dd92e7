"""What the tests of docker-compose.yml share: the file itself, filled in, and its secrets."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FILES = (ROOT / "docker-compose.yml", ROOT / "docker-compose.s3.yml")
COMPOSE = yaml.safe_load(FILES[0].read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
SECRETS = (
    "POSTGRES_PASSWORD",
    "LEDGER_PASSWORD",
    "MLFLOW_DB_PASSWORD",
    "MLFLOW_PASSWORD",
    "MLFLOW_WORKER_PASSWORD",
    "MLFLOW_SECRET_KEY",
)


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


def make_secrets(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(folder / "deploy" / "make_secrets.py")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def copy_project(folder: Path) -> None:
    """Copy what `make secrets` needs into a folder, and let it write .env there."""
    (folder / "deploy").mkdir()
    for name in (".env.example", "deploy/make_secrets.py"):
        shutil.copy(ROOT / name, folder / name)
    make_secrets(folder)
