"""Full disks: one line, and after space is freed the same command does the rest."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow import MlflowClient

from fmsearch.search.storage.storage import open_storage

from ..conftest import Run


def study(run: Run, space: Path, images: Path, most_bytes: int | None) -> tuple[int, str]:
    """Run a study whose files may have so many bytes; its exit code and last line of errors."""
    options = ("--data", images, "--train-images", 200, "--jobs", 1)
    done = run("study", "--space", space, *options, most_bytes=most_bytes, migrates=True)
    assert "Traceback" not in done.stderr
    return done.returncode, (done.stderr.splitlines() or [""])[-1]


def scores(home: Path) -> list[str]:
    trials = open_storage(f"sqlite:///{home / 'studies.db'}").study("small").trials()
    return [f"{trial.state.value} {trial.score!r}" for trial in trials]


# While the storage is made, while MLflow's database is made, while trials are shipped.
@pytest.mark.parametrize("limit", [100_000, 600_000, 900_000])
def test_a_full_disk_is_one_line_and_the_same_command_does_the_rest(
    limit: int, fmsearch: Run, four_points: Path, images: Path, tmp_path: Path
) -> None:
    home = tmp_path / "mlruns"
    code, line = study(fmsearch, four_points, images, limit)
    assert code == 1
    assert line.startswith("fmsearch: no space is left to write (")
    assert line.endswith("); free some, and run the same command")

    assert study(fmsearch, four_points, images, None) == (0, "")
    assert len(scores(home)) == 4
    assert all(one.startswith("complete") for one in scores(home))
    runs = MlflowClient(f"sqlite:///{home / 'mlflow.db'}").search_runs(["1"])
    assert len(runs) == 5
    assert {run.info.status for run in runs} == {"FINISHED"}
