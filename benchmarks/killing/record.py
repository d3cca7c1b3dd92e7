"""The lasting results of a study, to be compared with those of another one."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

    from fmsearch.places import Places

OF_A_KIND = ("artifacts", "mlflow.db", "studies.db", "locks", "worker")
"""What a home holds or not, by where its store is; of artifacts, those of MLflow are read."""


@dataclass(frozen=True)
class Record:
    """All results of a study, without times and random names, so that equal studies are equal."""

    trials: list[str]
    runs: list[str]
    numbers: dict[str, str]
    versions: list[str]
    files: dict[str, object]

    def differences(self, other: Record) -> list[str]:
        """What is missing, added or different in the other one."""
        found = []
        for what in ("trials", "runs", "versions"):
            ours, theirs = Counter(getattr(self, what)), Counter(getattr(other, what))
            found += [f"{what}: missing {one}" for one in (ours - theirs).elements()]
            found += [f"{what}: too much {one}" for one in (theirs - ours).elements()]
        for what in ("numbers", "files"):
            mine, its = getattr(self, what), getattr(other, what)
            for key in sorted({*mine, *its}):
                if mine.get(key) != its.get(key):
                    found.append(f"{what}: {key}: {mine.get(key)!r}, then {its.get(key)!r}")
        return found


def read_record(places: Places, artifacts: Path, model: str = "chaos") -> Record:
    """Read the results of a study.

    Args:
        places: Of its store.
        artifacts: The folder in which MLflow, here or its server, keeps them.
        model: The name under which its best was registered.
    """
    from mlflow import MlflowClient

    from fmsearch.search.storage.storage import open_storage

    study = open_storage(places.storage).study("chaos")
    trials = [
        repr((t.number, sorted(t.parameters.items()), t.state.value, t.score, t.fold_scores))
        + repr((sorted(t.metrics.items()), t.reason, t.duplicate_of))
        for t in study.trials()
    ]
    client = MlflowClient(places.tracking_uri, places.tracking_uri)
    names = {study.config.label: "chaos-ID"}
    experiment = client.get_experiment_by_name(places.experiment)
    assert experiment is not None
    experiments = [experiment.experiment_id]
    found = list(client.search_runs(experiments))
    names |= {run.info.run_id: run.info.run_name for run in found}
    models = list(client.search_logged_models(experiments))
    names |= {one.model_id: f"model of {names.get(one.source_run_id)}" for one in models}
    runs, numbers = [], {}
    for run in found:
        parent = names.get(run.data.tags.get("mlflow.parentRunId", ""))
        outputs = [names.get(one.model_id) for one in run.outputs.model_outputs]
        own = [str(one.status) for one in models if one.source_run_id == run.info.run_id]
        inputs = len(run.inputs.dataset_inputs)
        texts = sorted(run.data.params.items()) + sorted(
            (name, text)
            for name, text in run.data.tags.items()
            if name.startswith("fmsearch.") and name not in ("fmsearch.study_id", "fmsearch.result")
        )
        runs.append(repr((run.info.run_name, run.info.status, parent, outputs, own, inputs, texts)))
        for metric in {*run.data.metrics} - {"train_seconds"}:
            history = client.get_metric_history(run.info.run_id, metric)
            for point in history:
                numbers[f"{run.info.run_name} {metric} {point.step}"] = repr(point.value)
    versions = [
        repr((str(one.version), names.get(one.run_id), names.get(one.model_id), one.status))
        + repr((_aliases(client, one), sorted(one.tags.items())))
        for one in client.search_model_versions(f"name = '{model}'")
    ]
    of_study = artifacts / experiment.experiment_id if places.is_server else artifacts
    files = _files(of_study, names, with_folders=False)
    for place, content in _files(places.home, names, with_folders=True).items():
        if not place.startswith(OF_A_KIND):
            files[f"home/{place}"] = content
    return Record(trials, runs, numbers, versions, files)


def _aliases(client: MlflowClient, version: ModelVersion) -> dict[str, str]:
    """Those of its model; a server sends numbers as text."""
    aliases = client.get_registered_model(version.name).aliases
    return {alias: str(number) for alias, number in aliases.items()}


def _files(folder: Path, names: dict[str, str], *, with_folders: bool) -> dict[str, object]:
    """The parts of each file that equal studies have in common; of a model, its weights."""
    found: dict[str, object] = {}
    for path in folder.rglob("*"):
        place = str(path.relative_to(folder))
        if path.is_dir() and not with_folders:
            continue  # MLflow leaves empty ones of deleted models
        for drawn, name in names.items():
            place = place.replace(drawn, name)
        content: object = "folder" if path.is_dir() else "file"
        if path.suffix == ".keras":
            content = _weights(path)
        elif path.suffix in (".json", ".yaml") and path.name != "python_env.yaml":
            content = path.read_text()
        elif path.suffix in (".png", ".html", ".txt", ".csv"):  # layers are numbered by process
            content = "file" if path.stat().st_size else "empty"
        found[place] = content
    return found


def _weights(model: Path) -> str:
    """A hash of a Keras file's weights, without the names of its layers."""
    import h5py

    found = hashlib.sha256()

    def add(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            found.update(name.encode() + item[()].tobytes())

    with zipfile.ZipFile(model) as file:
        if file.testzip() is not None:
            return "damaged"
        with file.open("model.weights.h5") as packed, h5py.File(io.BytesIO(packed.read())) as h5:
            h5.visititems(add)
    return found.hexdigest()
