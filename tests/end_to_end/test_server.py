"""The whole road against a real MLflow server over HTTP."""

from __future__ import annotations

import json
import re
from pathlib import Path
from subprocess import CompletedProcess

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
EXPERIMENT = "served"


def at(server: str) -> dict[str, str]:
    """The environment of a command that writes there."""
    return {"MLFLOW_TRACKING_URI": server, "MLFLOW_EXPERIMENT_NAME": EXPERIMENT}


@pytest.fixture(scope="module")
def server(mlflow_server: int) -> str:
    """The address of a real MLflow server with proxied artifacts."""
    return f"http://127.0.0.1:{mlflow_server}"


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
        done = warm_program.run(folder, *arguments, **at(server))
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
    experiment = client.get_experiment_by_name(EXPERIMENT)
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
    experiment = client.get_experiment_by_name(EXPERIMENT)
    (name,) = (one for one in experiment.tags if one.startswith("mlflow.sharedViewState."))
    done = warm_program.run(folder, "ui", "served", **at(server))
    where = f"{server}/#/experiments/{experiment.experiment_id}/runs"
    key = name.removeprefix("mlflow.sharedViewState.")
    assert done.stdout.split()[-1].startswith(f"{where}?viewStateShareKey={key}&"), done.stderr


def test_a_run_on_the_server_replays_identical(server, folder, warm_program) -> None:  # type: ignore[no-untyped-def]
    done = warm_program.run(folder, "replay", "served-0001", **at(server))
    last = "identical: 13 numbers of run served-0001"  # 2 epochs of 4 curves, 4 scores, a count
    assert done.stdout.splitlines()[-1] == last, done.stderr


def test_register_says_what_it_registered(folder) -> None:  # type: ignore[no-untyped-def]
    lines = (folder / "register.txt").read_text().splitlines()
    epochs = [f"  epoch {number}/5" for number in range(1, 6)]
    assert re.fullmatch(r"trial \d of served: the one with the best score", lines[0])
    assert lines[1] == "training its gate model, without 200 of 2,400 images"
    assert lines[2:7] == lines[8:13] == epochs
    assert re.fullmatch(r"training trial \d of served on all 2,400 images", lines[7])
    assert re.fullmatch(r"trial \d, 5 epochs", lines[13])
    assert lines[14].startswith("test accuracy 0.")
    assert lines[15:] == [
        "gate: no version is champion yet",
        "registered: models:/fashion/1, alias champion",
    ]


def test_the_champion_predicts_raw_images_as_well_as_its_run_says(client, images) -> None:  # type: ignore[no-untyped-def]
    import mlflow

    version = client.get_model_version_by_alias("fashion", "champion")
    run = client.get_run(version.run_id)
    assert run.data.tags["fmsearch.role"] == "final"
    assert run.data.params["epochs"] == "5"
    accuracy = run.data.metrics["test_accuracy"]
    assert version.description.startswith(f"Test accuracy {accuracy:.4f} (95 % interval 0.")
    assert f"runs/{version.run_id})" in version.description
    model = mlflow.pyfunc.load_model("models:/fashion@champion")
    with np.load(images) as arrays:
        accuracy = np.mean(model.predict(arrays["x_test"]).argmax(axis=1) == arrays["y_test"])
    assert accuracy == pytest.approx(run.data.metrics["test_accuracy"], abs=1e-12)
    assert accuracy > 0.6


def test_the_champion_says_what_a_picture_shows(server, folder, images, warm_program) -> None:  # type: ignore[no-untyped-def]
    with np.load(images) as arrays:
        trouser = arrays["x_test"][arrays["y_test"] == 1][:8]
    (folder / "pictures").mkdir()
    for number, pixels in enumerate(trouser):
        Image.fromarray(255 - pixels).resize((56, 56)).save(folder / f"pictures/{number}.png")
    np.save(folder / "pictures" / "some.npy", trouser)

    def predict(*options: str) -> CompletedProcess[str]:
        return warm_program.run(folder, "predict", *options, **at(server))

    done = predict("pictures", "--model", "fashion")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line.split()[-1] for line in lines] == [
        *(f"pictures/{number}.png" for number in range(8)),
        *(f"pictures/some.npy[{number}]" for number in range(8)),
    ]
    assert sum(line.startswith("Trouser") for line in lines) >= 14
    (folder / "pictures" / "text.png").write_text("no picture")
    done = predict("pictures", "--csv")
    assert len(done.stdout.splitlines()) == 1 + 16
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 2)
    assert done.stderr.endswith("fmsearch: 1 of 10 files could not be read\n")
    told = json.loads(predict("pictures/0.png", "--model", "fashion/1", "--json").stdout)
    assert list(told[0]) == ["picture", "class", "probability", "inverted"]
    assert told[0]["inverted"]
    for options, reason in {
        "none": "there is no registered model 'none'; there are: fashion",
        "fashion/7": "the model 'fashion' has no version 7",
        "@other": "the model 'fashion' has no alias 'other'; it has: champion",
        "it's": 'there is no registered model "it\'s"',
        "fashion/x": "'fashion/x' names no model; write NAME, NAME@ALIAS or NAME/VERSION",
    }.items():
        done = predict("pictures/0.png", "--model", options)
        assert (done.returncode, reason in done.stderr) == (1, True)
        assert len(done.stderr.splitlines()) == 1


def test_registering_again_makes_no_second_version(client, folder, warm_program, server) -> None:  # type: ignore[no-untyped-def]
    options = ("--study", "served", "--epochs", "5")
    done = warm_program.run(folder, "register", *options, **at(server))
    assert done.returncode == 0, done.stderr
    assert "models:/fashion/1" in done.stdout
    assert len(client.search_model_versions("name = 'fashion'")) == 1


def test_a_register_that_was_cut_off_is_finished_by_the_next(  # type: ignore[no-untyped-def]
    client, folder, server, monkeypatch
) -> None:
    places = Places.of(folder / "mlruns", server, experiment=EXPERIMENT)
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
        done = warm_program.run(folder, "doctor", *arguments, **at(server))
        assert done.stderr == ""
        return done.returncode, done.stdout.splitlines()

    experiment = client.get_experiment_by_name(EXPERIMENT).experiment_id
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
