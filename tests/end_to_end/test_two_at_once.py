"""Two of everything on one store: what works side by side."""

from __future__ import annotations

import socket
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

from mlflow import MlflowClient

from ..conftest import Begin

SPACE = """\
name: {name}
model: mlp
engine: keras_tuner
score: {{by: cross_validation, folds: 2}}
fixed: {{hidden_units: 8, batch_size: 64, epochs: 1}}
parameters: {{dropout_rate: [0.0, 0.1, 0.2, 0.3]}}
"""


def test_studies_a_registration_and_the_ui_work_side_by_side_on_a_new_store(
    begin: Begin, images: Path, tmp_path: Path
) -> None:
    options = ("--data", images, "--train-images", 200, "--jobs", 1)
    studies = {}
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(SPACE.format(name=name))
        study = ("study", "--space", f"{name}.yaml", *options)
        studies[name] = begin(*study, migrates=True)  # one makes MLflow's tables, one waits
    for line in studies["one"].stdout:
        if line.startswith("[1/4]"):
            break
    registration = begin("register", "--study", "one")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    deadline = time.monotonic() + 60
    while not (tmp_path / "mlruns" / "mlflow.db").exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    begin("ui", "--port", port)
    for process in (*studies.values(), registration):
        _, errors = process.communicate(timeout=200)
        assert (process.returncode, errors) == (0, "")
    assert answers(f"http://127.0.0.1:{port}/health")

    store = f"sqlite:///{tmp_path / 'mlruns' / 'mlflow.db'}"
    client = MlflowClient(store, registry_uri=store)
    (experiment,) = client.search_experiments(filter_string="name = 'fmsearch'")
    runs = client.search_runs([experiment.experiment_id])
    roles = sorted(
        f"{run.data.tags['fmsearch.study']} {run.data.tags['fmsearch.role']}" for run in runs
    )
    assert roles == ["one final", "one study", *["one trial"] * 4, "two study", *["two trial"] * 4]
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert len(client.search_model_versions("name = 'fashion'")) == 1


def answers(url: str) -> bool:
    for _ in range(240):
        with suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
        time.sleep(0.25)
    return False
