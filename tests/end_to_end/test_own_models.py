"""Models of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

OPTIONS = ("--train-images", 400, "--jobs", 2)


@pytest.fixture
def study(fmsearch, images: Path, tmp_path: Path):  # type: ignore[no-untyped-def]
    """Runs a space, given as text; fails the test if the study does."""

    def run(space: str, *options: object, home: str = "mlruns") -> str:
        path = tmp_path / "space.yaml"
        path.write_text(space)
        arguments = ("--space", path, "--data", images, "--home", tmp_path / home)
        done = fmsearch("study", *arguments, *OPTIONS, *options)
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    return run


def runs(home: Path, role: str = "trial") -> dict[str, Run]:
    """The store's runs of a role, by name."""
    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("fmsearch")
    assert experiment is not None
    found = client.search_runs([experiment.experiment_id], f"tags.`fmsearch.role` = '{role}'")
    return {run.info.run_name: run for run in found}


EXAMPLES = Path(__file__).parents[2] / "examples"


def test_a_users_own_model_is_trained_and_tracked_like_the_built_in_ones(  # type: ignore[no-untyped-def]
    fmsearch, images, tmp_path
) -> None:
    for name in ("own_model.py", "own_model.yaml"):
        (tmp_path / name).write_text((EXAMPLES / name).read_text())
    assert len((EXAMPLES / "own_model.py").read_text().splitlines()) < 40
    options = ("--data", images, "--trials", 2, *OPTIONS)
    done = fmsearch("study", "--space", "own_model.yaml", *options)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    run = runs(tmp_path / "mlruns")["own_model-0000"]
    assert {"width", "activation", "learning_rate"} <= run.data.params.keys()
    assert fmsearch("register", "--study", "own_model").returncode == 0


def test_a_users_model_is_checked_before_the_study(fmsearch, images, tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "own.py").write_text("import nothing_like_this")
    (tmp_path / "space.yaml").write_text(
        "name: own\nmodel: own:build\nengine: optuna\nscore: {by: validation}\n"
        "parameters: {width: [4, 8]}\n"
    )
    done = fmsearch("study", "--space", "space.yaml", "--data", images)
    assert done.returncode == 1
    reason = "ModuleNotFoundError: No module named 'nothing_like_this'"
    assert done.stderr == f"fmsearch: model: own:build: {reason}\n"
    assert not (tmp_path / "mlruns" / "studies.db").exists()
