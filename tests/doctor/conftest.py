"""A healthy store, and copies of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fmsearch.artifact_addresses import rewrite

from .patient import GRID, SEARCH, Patient, run


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory, images: Path) -> Path:
    """A store with a finished grid, and a finished search that keeps its best model only."""
    home = tmp_path_factory.mktemp("doctor") / "pristine"
    run(home, images, GRID)
    run(home, images, SEARCH, keep_models=1)
    return home


@pytest.fixture
def patient(pristine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Patient:
    # MLflow remembers where a run's artifacts are; here, runs of one id are in many places.
    monkeypatch.setattr("mlflow.tracking._tracking_service.utils._artifact_repos_cache", {})
    home = tmp_path / "mlruns"
    shutil.copytree(pristine, home)
    rewrite(home / "mlflow.db", [pristine], home)
    return Patient(home)
