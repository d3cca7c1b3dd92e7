"""Small grids, and studies that succeed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ..conftest import Run


@pytest.fixture
def four_points(small_grid: Path) -> Path:
    """The small grid with two trainings, each to two horizons."""
    text = small_grid.read_text()
    small_grid.write_text(text.replace("dropout_rate: [0.1, 0.2]", "dropout_rate: [0.1]"))
    return small_grid


@pytest.fixture
def two_points(four_points: Path) -> Path:
    """The small grid with two trainings of one epoch."""
    text = four_points.read_text()
    four_points.write_text(text.replace("epochs: [1, 2]", "epochs: [1]"))
    return four_points


@pytest.fixture
def study(fmsearch: Run, images: Path, tmp_path: Path) -> Callable[..., str]:
    """Runs a space, given as text, with one trainer; fails the test if the study does."""

    def run(space: str, *options: object, home: str = "mlruns") -> str:
        path = tmp_path / "space.yaml"
        path.write_text(space)
        where = ("--space", path, "--data", images, "--home", tmp_path / home)
        done = fmsearch("study", *where, "--train-images", 400, "--jobs", 1, *options)
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    return run
