"""Checks: what holds after faults besides equal tables, numbers and files."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from killing.spaces import PROGRAM

from fmsearch.checksums import CHECKSUMS, checksums, read_checksums
from fmsearch.places import Places
from fmsearch.tracking.quiet_mlflow import load_mlflow

from .scene import Scene


def fails(scene: Scene, command: str, expected: str = "") -> list[str]:
    """What a command says that fails, or that says another thing than is expected."""
    where = ["--home", str(scene.home), *scene.options]
    done = subprocess.run([*PROGRAM, command, *where], capture_output=True, text=True)
    said = done.stdout + done.stderr
    is_right = done.returncode == 0 and expected in ("", said)
    return [] if is_right else [f"{command} ended with {done.returncode}: {said}"]


def damaged(places: Places) -> list[str]:
    """Runs and models whose files, as MLflow sends them, are not as their checksums say."""
    load_mlflow()
    from mlflow import MlflowClient
    from mlflow.artifacts import download_artifacts

    uri, found = places.tracking_uri, []
    client = MlflowClient(uri, uri)
    experiment = client.get_experiment_by_name(places.experiment)
    assert experiment is not None
    where = [experiment.experiment_id]
    with tempfile.TemporaryDirectory() as folder:
        for run in client.search_runs(where):
            name = str(run.info.run_name)
            place = client.download_artifacts(run.info.run_id, "", _new(folder, name))
            found += _damages(name, Path(place))
        for model in client.search_logged_models(where):
            name = f"model {model.model_id}"
            to = _new(folder, name)
            place = download_artifacts(model.artifact_location, dst_path=to, tracking_uri=uri)
            found += _damages(name, Path(place))
    return found


def _new(folder: str, name: str) -> str:
    made = Path(folder) / name
    made.mkdir()
    return str(made)


def _damages(name: str, folder: Path) -> list[str]:
    lists = list(folder.rglob(CHECKSUMS))
    if len(lists) != 1:
        return [f"{name} has {len(lists)} lists of checksums"]
    listed, there = read_checksums(lists[0]), checksums(lists[0].parent)
    return [] if listed == there else [f"{name} has {dict(there)} and not {dict(listed)}"]


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    """Sizes and times of all files of the stores beside, which nobody may touch."""
    found = {}
    for path in folder.glob("beside_*/**/*"):
        status = path.stat()
        found[str(path)] = (status.st_size, status.st_mtime_ns)
    return found
