"""What a finished study leaves in MLflow, and what reads it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from PIL import Image

from fmsearch.models.kernels import LIBRARIES, tensorflows_choice


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, warm_program, images: Path) -> Path:  # type: ignore[no-untyped-def]
    """The folder of a finished study of the second published grid's kind, tracked."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "small.yaml").write_text(
        "name: small\nmodel: mlp\nengine: keras_tuner\nabout: Two trials.\n"
        "score: {by: cross_validation, folds: 3}\nfixed: {hidden_units: 128, batch_size: 32}\n"
        "parameters: {epochs: [3, 6]}\n"
    )
    options = ("--space", "small.yaml", "--data", images, "--jobs", 1)
    assert warm_program.run(folder, "study", *options).returncode == 0
    return folder


@pytest.fixture
def client(finished: Path) -> MlflowClient:
    return MlflowClient(f"sqlite:///{finished / 'mlruns' / 'mlflow.db'}")


@pytest.fixture
def study_run(client: MlflowClient):  # type: ignore[no-untyped-def]
    (run,) = client.search_runs(["1"], "tags.`fmsearch.role` = 'study'")
    return run


@pytest.fixture
def trial_run(client: MlflowClient):  # type: ignore[no-untyped-def]
    (run,) = client.search_runs(["1"], "tags.`fmsearch.trial` = '1'")
    return run


def test_a_trial_run_has_the_documented_name_tags_and_params(study_run, trial_run) -> None:  # type: ignore[no-untyped-def]
    assert trial_run.info.run_name == "small-0001"
    assert trial_run.info.status == "FINISHED"
    tags = trial_run.data.tags
    assert tags["mlflow.parentRunId"] == study_run.info.run_id
    ours = {name: value for name, value in tags.items() if name.startswith("fmsearch.")}
    versions = json.loads(ours.pop("fmsearch.versions"))
    assert versions.pop("TF_ENABLE_ONEDNN_OPTS", "") == LIBRARIES.get(tensorflows_choice(), "")
    assert set(versions) == {"python", "tensorflow", "keras", "numpy", "fmsearch"}
    assert ours.pop("fmsearch.processor")
    assert ours == {
        "fmsearch.study": "small",
        "fmsearch.study_id": study_run.data.tags["fmsearch.study_id"],
        "fmsearch.trial": "1",
        "fmsearch.space": "small",
        "fmsearch.role": "trial",
        "fmsearch.state": "complete",
        "fmsearch.folds": "3",
        "fmsearch.result": trial_run.data.tags["fmsearch.result"],
        "fmsearch.data_sha256": study_run.data.tags["fmsearch.data_sha256"],
    }
    assert set(trial_run.data.params) == {
        "batch_norm", "batch_size", "class_weight", "dropout_rate", "epochs", "erase", "flip",
        "hidden_units",
        "label_smoothing", "layers", "learning_rate", "momentum", "optimizer", "schedule", "seed",
        "shift", "warmup_epochs", "weight_decay",
    }  # fmt: skip
    assert trial_run.data.params["epochs"] == "6"


def test_a_trial_run_has_curves_and_final_metrics(client, trial_run) -> None:  # type: ignore[no-untyped-def]
    final = trial_run.data.metrics
    curves = {"train_loss", "train_accuracy", "val_loss", "val_accuracy"}
    folds = {"fold_1_score", "fold_2_score", "fold_3_score"}
    assert set(final) == curves | folds | {"score", "score_std", "parameters", "train_seconds"}
    for name in curves:
        history = client.get_metric_history(trial_run.info.run_id, name)
        assert [point.step for point in history] == [1, 2, 3, 4, 5, 6]
    assert final["score"] == pytest.approx(np.mean([final[name] for name in folds]), abs=1e-12)
    assert final["score"] == pytest.approx(final["val_accuracy"], abs=1e-12)
    assert final["parameters"] == 109_386


def test_a_trial_run_has_its_figures_and_numbers(client, trial_run, tmp_path) -> None:  # type: ignore[no-untyped-def]
    folder = Path(client.download_artifacts(trial_run.info.run_id, "", str(tmp_path)))
    files = sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
    assert files == [
        "SHA256SUMS",
        "classification_report.json",
        "confusion_matrix.json",
        "figures/confusion_matrix.png",
        "figures/learning_curves.png",
        "model_summary.txt",
    ]
    counts = np.array(json.loads((folder / "confusion_matrix.json").read_text()))
    assert counts.shape == (10, 10)
    assert counts.sum(axis=1).tolist() == [180] * 10
    score = trial_run.data.metrics["score"]
    assert np.trace(counts) / counts.sum() == pytest.approx(score, abs=1e-12)
    report = json.loads((folder / "classification_report.json").read_text())
    assert report["accuracy"] == pytest.approx(score, abs=1e-12)
    trouser = counts[1, 1] / counts[1].sum()
    assert report["Trouser"]["recall"] == pytest.approx(trouser, abs=1e-12)
    assert "109,386" in (folder / "model_summary.txt").read_text()
    for figure in folder.glob("figures/*.png"):
        with Image.open(figure) as picture:
            assert min(picture.size) > 300
            assert len(picture.convert("RGB").getcolors(1 << 24)) > 50


def test_a_trial_runs_model_takes_raw_images(client, trial_run, images) -> None:  # type: ignore[no-untyped-def]
    import mlflow

    (model,) = client.search_logged_models(["1"], f"source_run_id = '{trial_run.info.run_id}'")
    assert (model.name, str(model.status)) == ("small-0001", "READY")
    assert [one.model_id for one in trial_run.outputs.model_outputs] == [model.model_id]
    mlflow.set_tracking_uri(client.tracking_uri)
    loaded = mlflow.pyfunc.load_model(model.model_uri)
    assert loaded.metadata.metadata["image_shape"] == [28, 28]
    assert loaded.metadata.metadata["class_names"][1] == "Trouser"
    with np.load(images) as arrays:
        answers = loaded.predict(arrays["x_test"])
        accuracy = np.mean(answers.argmax(axis=1) == arrays["y_test"])
    assert answers.shape == (600, 10)
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-5)  # float32 probabilities
    assert accuracy > 0.7  # its folds scored more on 600 images of the same kind


def test_a_model_has_the_params_and_metrics_by_which_it_is_chosen(
    client, trial_run, images
) -> None:  # type: ignore[no-untyped-def]
    ranked = client.search_logged_models(
        ["1"], order_by=[{"field_name": "metrics.score", "ascending": False}]
    )
    assert {model.name for model in ranked} == {"small-0000", "small-0001"}
    (model,) = (one for one in ranked if one.source_run_id == trial_run.info.run_id)
    assert model.params == trial_run.data.params
    assert {one.key: one.value for one in model.metrics} == trial_run.data.metrics
    (data,) = trial_run.inputs.dataset_inputs
    where = (data.dataset.name, data.dataset.digest)
    assert {(one.dataset_name, one.dataset_digest) for one in model.metrics} == {where}


def test_a_models_keras_file_evaluates_as_it_is_loaded(client, trial_run, images, tmp_path) -> None:  # type: ignore[no-untyped-def]
    import keras
    from mlflow.artifacts import download_artifacts

    (model,) = client.search_logged_models(["1"], f"source_run_id = '{trial_run.info.run_id}'")
    uri = f"{model.artifact_location}/data/model.keras"
    network = keras.saving.load_model(download_artifacts(uri, dst_path=str(tmp_path)))
    with np.load(images) as arrays:
        loss, accuracy = network.evaluate(arrays["x_test"], arrays["y_test"], verbose=0)
    assert loss > 0
    assert accuracy > 0.7


def test_the_study_run_has_the_whole_study(client, study_run, trial_run, tmp_path) -> None:  # type: ignore[no-untyped-def]
    assert study_run.info.status == "FINISHED"
    folder = Path(client.download_artifacts(study_run.info.run_id, "", str(tmp_path)))
    files = sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
    assert files == [
        "SHA256SUMS",
        "cv_results.csv",
        "figures/class_distribution.png",
        "figures/class_samples.png",
        "figures/search/history.png",
        "figures/search/importances.png",
        "figures/search/parallel_coordinates.png",
        "figures/search/search.html",
        "figures/search/slices.png",
        "figures/search/timeline.png",
        "space.yaml",
        "trials.csv",
    ]
    assert (folder / "space.yaml").read_text().startswith("name: small\nmodel: mlp\n")
    rows = (folder / "trials.csv").read_text().splitlines()
    assert rows[0].startswith("trial,state,epochs,score,score_std,fold_1_score")
    assert len(rows) == 3
    assert study_run.data.metrics["best_score"] == max(
        run.data.metrics["score"]
        for run in client.search_runs(["1"], "tags.`fmsearch.role` = 'trial'")
    )
    (data,) = study_run.inputs.dataset_inputs
    sha256 = study_run.data.tags["fmsearch.data_sha256"]
    assert (data.dataset.name, data.dataset.digest) == ("fashion", sha256[:36])
    assert len(sha256) == 64
    assert study_run.data.tags["fmsearch.train_images"] == "all"


def test_a_finished_study_run_again_changes_nothing(warm_program, finished, client, images) -> None:  # type: ignore[no-untyped-def]
    before = [run.to_dictionary() for run in client.search_runs(["1"])]
    options = ("--space", "small.yaml", "--data", images, "--jobs", 1)
    again = warm_program.run(finished, "study", *options)
    assert again.stdout.startswith("small: 2 trials, 2 of them finished before")
    assert [run.to_dictionary() for run in client.search_runs(["1"])] == before


def test_the_example_finds_the_best_model_and_asks_it(finished) -> None:  # type: ignore[no-untyped-def]
    example = Path(__file__).parents[2] / "examples" / "best_model.py"
    done = subprocess.run(
        [sys.executable, example, "small"], cwd=finished, capture_output=True, text=True
    )
    lines = done.stdout.splitlines()
    assert lines[0].startswith("small-000"), done.stderr
    assert len(lines) == 6
    assert all(" taken for " in line for line in lines[1:])


def test_readmes_lines_load_the_champion_and_ask_it(warm_program, finished, images) -> None:  # type: ignore[no-untyped-def]
    options = ("small", "--model", "fashion-mnist", "--epochs", 1)
    assert warm_program.run(finished, "register", *options).returncode == 0
    with np.load(images) as arrays:
        np.save(finished / "images.npy", arrays["x_test"][:3])
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    *lines, probabilities, table = readme.split("```python\n")[1].split("```")[0].splitlines()
    code = [
        "import numpy; images = numpy.load('images.npy')", *lines,
        f"answers = {probabilities}", f"table = {table}",
        "print(answers.shape, answers.sum(axis=1).round(3).tolist(), list(table)[:3], len(table))",
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(code)], cwd=finished, capture_output=True, text=True
    )
    expected = "(3, 10) [1.0, 1.0, 1.0] ['class', 'probability', 'T-shirt/top'] 3"
    assert done.stdout.splitlines()[-1:] == [expected], done.stderr


def test_status_shows_whole_scores_to_other_programs(warm_program, finished) -> None:  # type: ignore[no-untyped-def]
    def lines(*arguments: str) -> list[list[str]]:
        done = warm_program.run(finished, "status", *arguments)
        return [line.split() for line in done.stdout.splitlines() if "─" not in line]

    *above, header, first, second = lines("small")
    assert above[0] == ["small:", "2", "trials:", "2", "complete"]
    assert header == ["trial", "state", "score", "std", "seconds", "epochs"]
    best = first if "*" in first else second
    assert [row[0] for row in (first, second)] == ["0", "1"]
    score = best[best.index("complete") + 1]
    assert len(score) == 7
    assert above[1][:5] == ["best:", "trial", f"{best[0]},", "score", f"{score}:"]
    header, study = lines()
    assert header == [
        "study",
        "data",
        "scored",
        "by",
        "state",
        "trials",
        "best",
        "score",
        "trial",
        "last",
    ]
    assert study[:8] == ["small", "fashion.npz", "3", "folds", "finished", "2", "complete", score]
