"""The whole road against a real MLflow server over HTTP."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fmsearch.places import Places
from fmsearch.search.retrain.champion import register_best
from fmsearch.search.storage.storage import open_storage
from fmsearch.search.study.sync import run_records_of
from fmsearch.tracking.reachability import TrackingError

SPACE = """\
name: served
model: mlp
engine: keras_tuner
score: {by: cross_validation, folds: 2}
fixed: {hidden_units: 32, batch_size: 32}
parameters: {epochs: [2, 4], optimizer: [adam, rmsprop]}
"""


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Until the server answers; fails if it ends or takes a minute."""
    for _ in range(600):
        assert process.poll() is None, "the server ended"
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail("the server does not answer")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real MLflow server with proxied artifacts; its address."""
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port),
        "--backend-store-uri", f"sqlite:///{folder / 'server.db'}",
        "--artifacts-destination", str(folder / "artifacts"), "--workers", "1",
    ]  # fmt: skip
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    environment.pop("MLFLOW_TRACKING_URI", None)
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def folder(  # type: ignore[no-untyped-def]
    server: str, images: Path, warm_program, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Where a study ran and its best was registered, both against the server."""
    folder = tmp_path_factory.mktemp("client")
    (folder / "served.yaml").write_text(SPACE)
    for arguments in (
        ("study", "--space", "served.yaml", "--data", str(images)),
        ("register", "--study", "served", "--epochs", "5"),
    ):
        done = warm_program.run(folder, *arguments, MLFLOW_TRACKING_URI=server)
        assert done.returncode == 0, done.stderr
    (folder / "register.txt").write_text(done.stdout)
    return folder


@pytest.fixture
def client(server: str, folder: Path):  # type: ignore[no-untyped-def]
    import mlflow

    mlflow.set_tracking_uri(server)
    mlflow.set_registry_uri(server)
    return mlflow.MlflowClient(server)


def test_every_trial_is_on_the_server_with_its_figures_and_model(client, folder, tmp_path) -> None:  # type: ignore[no-untyped-def]
    experiment = client.get_experiment_by_name("fmsearch")
    runs = client.search_runs([experiment.experiment_id], "tags.`fmsearch.role` = 'trial'")
    assert sorted(run.info.run_name for run in runs) == [f"served-000{n}" for n in range(4)]
    for run in runs:
        assert run.info.status == "FINISHED"
        local = client.download_artifacts(run.info.run_id, "figures", str(tmp_path))
        with Image.open(Path(local) / "confusion_matrix.png") as picture:
            picture.verify()
    models = client.search_logged_models([experiment.experiment_id])
    assert {run.info.run_id for run in runs} < {model.source_run_id for model in models}
    assert not (folder / "mlruns" / "mlflow.db").exists()


def test_the_ui_of_the_server_has_a_view_of_the_study(client, folder, warm_program, server) -> None:  # type: ignore[no-untyped-def]
    experiment = client.get_experiment_by_name("fmsearch")
    (name,) = (one for one in experiment.tags if one.startswith("mlflow.sharedViewState."))
    done = warm_program.run(folder, "ui", "served", MLFLOW_TRACKING_URI=server)
    where = f"{server}/#/experiments/{experiment.experiment_id}/runs"
    key = name.removeprefix("mlflow.sharedViewState.")
    assert done.stdout.split()[-1].startswith(f"{where}?viewStateShareKey={key}&"), done.stderr


def test_a_run_on_the_server_replays_identical(server, folder, warm_program) -> None:  # type: ignore[no-untyped-def]
    done = warm_program.run(folder, "replay", "served-0001", MLFLOW_TRACKING_URI=server)
    last = "identical: 13 numbers of run served-0001"  # 2 epochs of 4 curves, 4 scores, a count
    assert done.stdout.splitlines()[-1] == last, done.stderr


def test_register_says_what_it_registered(folder) -> None:  # type: ignore[no-untyped-def]
    lines = (folder / "register.txt").read_text().splitlines()
    assert lines[0] == "training the best of served on all 2,400 images"
    assert lines[1:6] == [f"  epoch {number}/5" for number in range(1, 6)]
    assert lines[6].startswith("trial ")
    assert lines[6].endswith(", 5 epochs")
    assert lines[7].startswith("test accuracy 0.")
    assert lines[8] == "registered: models:/fashion/1, alias champion"


def test_the_champion_predicts_raw_images_as_well_as_its_run_says(client, images) -> None:  # type: ignore[no-untyped-def]
    import mlflow

    version = client.get_model_version_by_alias("fashion", "champion")
    run = client.get_run(version.run_id)
    assert run.data.tags["fmsearch.role"] == "final"
    assert run.data.params["epochs"] == "5"
    model = mlflow.pyfunc.load_model("models:/fashion@champion")
    with np.load(images) as arrays:
        accuracy = np.mean(model.predict(arrays["x_test"]).argmax(axis=1) == arrays["y_test"])
    assert accuracy == pytest.approx(run.data.metrics["test_accuracy"], abs=1e-12)
    assert accuracy > 0.6


def test_registering_again_makes_no_second_version(client, folder, warm_program, server) -> None:  # type: ignore[no-untyped-def]
    options = ("--study", "served", "--epochs", "5")
    done = warm_program.run(folder, "register", *options, MLFLOW_TRACKING_URI=server)
    assert done.returncode == 0, done.stderr
    assert "models:/fashion/1" in done.stdout
    assert len(client.search_model_versions("name = 'fashion'")) == 1


def test_a_register_that_was_cut_off_is_finished_by_the_next(  # type: ignore[no-untyped-def]
    client, folder, server, monkeypatch
) -> None:
    places = Places.of(folder / "mlruns", server)
    storage = open_storage(places.storage).study("served")
    run_records = run_records_of(storage.config)

    def register():  # type: ignore[no-untyped-def]
        return register_best(storage, run_records, places, name="cut", alias="best", epochs=1)

    def cut(*_: object) -> None:
        raise OSError("cut")

    with monkeypatch.context() as patch:
        patch.setattr("mlflow.MlflowClient.log_batch", cut)
        with pytest.raises(TrackingError, match="cut"):
            register()
    done = register()
    version = client.get_model_version_by_alias("cut", "best")
    run = client.get_run(version.run_id)
    assert (done.version, run.info.status) == ("1", "FINISHED")
    assert run.data.metrics["test_accuracy"] == done.test_accuracy


def test_the_doctor_mends_runs_on_the_server(client, folder, warm_program, server) -> None:  # type: ignore[no-untyped-def]
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    def doctor(*arguments: str) -> tuple[int, list[str]]:
        done = warm_program.run(folder, "doctor", *arguments, "--tracking-uri", server)
        assert done.stderr == ""
        return done.returncode, done.stdout.splitlines()

    experiment = client.get_experiment_by_name("fmsearch").experiment_id
    runs = {run.info.run_name: run.info for run in client.search_runs([experiment])}
    client.delete_run(runs["served-0000"].run_id)
    client.update_run(runs["served-0001"].run_id, "RUNNING")
    get_artifact_repository(runs["served-0002"].artifact_uri).delete_artifacts("figures")
    client.delete_run(runs["served"].run_id)
    differences = [
        "served: its run is deleted",
        "served trial 0: its run is deleted",
        "served trial 1: its run is RUNNING, the storage says complete",
        "served trial 2: artifact figures/confusion_matrix.png is missing",
        "served trial 2: artifact figures/learning_curves.png is missing",
    ]
    mended = [*(f"mended: {one}" for one in differences), "5 mended, none left"]
    assert doctor("served", "--fix") == (0, mended)
    assert doctor() == (0, ["no differences"])
