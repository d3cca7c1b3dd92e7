"""Studies run as users run them: real processes, a real store, real images."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from PIL import Image

from fmsearch.locks import hold
from fmsearch.places import Places

OPTIONS = ("--train-images", 400)


@pytest.fixture
def begin(tmp_path: Path):  # type: ignore[no-untyped-def]
    """Starts a study in the background; it is ended with the test."""
    processes = []

    def run(*arguments: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "fmsearch.cli", "study", *map(str, arguments)],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # A shell's background jobs ignore Ctrl-C; these tests may be one.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.wait()


def scores(store: Path) -> dict[int, tuple[str, ...]]:
    """Each trial's state, score and fold scores, as the storage has them, to the last bit."""
    from fmsearch.search.storage.storage import open_storage

    trials = open_storage(f"sqlite:///{store / 'studies.db'}").study("small").trials()
    return {t.number: (t.state.value, repr(t.score), repr(t.fold_scores)) for t in trials}


def trial_runs(store: Path) -> list:  # type: ignore[type-arg]
    client = MlflowClient(f"sqlite:///{store / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("fmsearch")
    assert experiment is not None
    return client.search_runs([experiment.experiment_id], "tags.`fmsearch.role` = 'trial'")


def test_a_study_runs_to_its_end_and_says_what_is_best(installed, small_grid, images) -> None:  # type: ignore[no-untyped-def]
    done = installed("study", "--space", small_grid, "--data", images, "--jobs", 2, *OPTIONS)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0] == "small: 8 trials, 2 trainers"
    assert sum("score 0." in line for line in lines[1:9]) == 8
    assert lines[9].startswith("best: trial ")
    assert lines[10] == "browse: fmsearch ui    register: fmsearch register --study small"


def test_any_number_of_trainers_gives_the_same_scores_to_the_last_bit(  # type: ignore[no-untyped-def]
    fmsearch, small_grid, images, tmp_path
) -> None:
    tables = []
    for jobs in (1, 3):
        home = tmp_path / f"jobs-{jobs}"
        options = ("--jobs", jobs, "--home", home, "--offline", *OPTIONS)
        done = fmsearch("study", "--space", small_grid, "--data", images, *options)
        assert done.returncode == 0, done.stderr
        tables.append(scores(home))
    assert len(tables[0]) == 8
    assert tables[0] == tables[1]


def test_ctrl_c_ends_cleanly_and_the_same_command_does_the_rest(  # type: ignore[no-untyped-def]
    begin, fmsearch, small_grid, images, tmp_path
) -> None:
    arguments = ("--space", small_grid, "--data", images, "--jobs", 1, *OPTIONS)
    process = begin(*arguments)
    for line in process.stdout:
        if line.startswith("[2/8]"):
            break
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: all processes of the command
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == "fmsearch: interrupted; the same command goes on from here\n"
    before = scores(tmp_path / "mlruns")
    finished = {number for number, (state, *_) in before.items() if state == "complete"}
    assert 2 <= len(finished) < 8
    assert {state for state, *_ in before.values()} == {"complete", "waiting"}

    done = fmsearch("study", *arguments)
    assert done.returncode == 0, done.stderr
    assert f"{len(finished)} of them finished before" in done.stdout
    after = scores(tmp_path / "mlruns")
    assert {number: after[number] for number in finished} == {n: before[n] for n in finished}
    runs = trial_runs(tmp_path / "mlruns")
    assert sorted(int(run.data.tags["fmsearch.trial"]) for run in runs) == list(range(8))
    assert {run.info.status for run in runs} == {"FINISHED"}

    whole = tmp_path / "whole"
    fmsearch("study", *arguments, "--home", whole, "--offline")
    assert scores(whole) == after


def test_a_killed_trainer_is_replaced_and_its_trials_are_finished(  # type: ignore[no-untyped-def]
    begin, small_grid, images, tmp_path
) -> None:
    process = begin("--space", small_grid, "--data", images, "--jobs", 1, "--offline", *OPTIONS)
    assert process.stdout.readline().startswith("small: 8 trials")
    deadline = time.monotonic() + 60
    while not (forked := grandchildren(process.pid)):  # Keras Tuner's process has ended by then
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(max(forked), signal.SIGKILL)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0
    assert (
        "a trainer died (exit code -9: killed, as the system does when memory runs out)" in errors
    )
    assert {state for state, *_ in scores(tmp_path / "mlruns").values()} == {"complete"}


def grandchildren(pid: int) -> list[int]:
    """Children of a process's children: trainers are forked by a process of their own."""
    children = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    return [one for child in children.get(pid, []) for one in children.get(child, [])]


def test_a_second_coordinator_of_the_same_study_is_refused(  # type: ignore[no-untyped-def]
    begin, fmsearch, small_grid, images
) -> None:
    arguments = ("--space", small_grid, "--data", images, "--jobs", 1, "--offline", *OPTIONS)
    process = begin(*arguments)
    assert process.stdout.readline().startswith("small: 8 trials")
    second = fmsearch("study", *arguments)
    assert second.returncode == 1
    expected = f"fmsearch: the study 'small' is being run by process {process.pid}"
    assert second.stderr == f"{expected}; wait for it or stop it\n"


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
        "fmsearch.data_sha256": study_run.data.tags["fmsearch.data_sha256"],
    }
    assert set(trial_run.data.params) == {
        "batch_norm", "batch_size", "dropout_rate", "epochs", "erase", "flip", "hidden_units",
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
    assert (model.name, str(model.status)) == ("model", "READY")
    assert [one.model_id for one in trial_run.outputs.model_outputs] == [model.model_id]
    mlflow.set_tracking_uri(client.tracking_uri)
    loaded = mlflow.pyfunc.load_model(model.model_uri)
    assert str(loaded.metadata.signature.inputs.to_dict()[0]["tensor-spec"]["dtype"]) == "uint8"
    with np.load(images) as arrays:
        answers = loaded.predict(arrays["x_test"])
        accuracy = np.mean(answers.argmax(axis=1) == arrays["y_test"])
    assert answers.shape == (600, 10)
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-5)  # float32 probabilities
    assert accuracy > 0.7  # its folds scored more on 600 images of the same kind


def test_the_study_run_has_the_whole_study(client, study_run, trial_run, tmp_path) -> None:  # type: ignore[no-untyped-def]
    assert study_run.info.status == "FINISHED"
    folder = Path(client.download_artifacts(study_run.info.run_id, "", str(tmp_path)))
    files = sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
    assert files == [
        "cv_results.csv",
        "figures/class_distribution.png",
        "figures/class_samples.png",
        "space.yaml",
        "trials.csv",
    ]
    assert (folder / "space.yaml").read_text().startswith("name: small\nmodel: mlp\n")
    rows = (folder / "trials.csv").read_text().splitlines()
    assert rows[0].startswith("trial,state,epochs,score,score_std,fold_1_score")
    assert len(rows) == 3
    assert study_run.data.metrics["score"] == max(
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


def test_an_offline_study_is_shipped_by_sync(fmsearch, small_grid, images, tmp_path) -> None:  # type: ignore[no-untyped-def]
    done = fmsearch("study", "--space", small_grid, "--data", images, "--offline", *OPTIONS)
    assert "8 trials wait in the outbox; `fmsearch sync` ships them" in done.stdout
    assert not (tmp_path / "mlruns" / "mlflow.db").exists()
    synced = fmsearch("sync")
    assert synced.stdout == "small: 8 of 8 trials shipped\n", synced.stderr
    assert len(trial_runs(tmp_path / "mlruns")) == 8
    assert fmsearch("sync").stdout == ""


def test_sync_leaves_a_study_that_is_run_and_ships_the_others(  # type: ignore[no-untyped-def]
    fmsearch, small_grid, images, tmp_path
) -> None:
    grid = small_grid.read_text().replace("layers: [1, 2]", "layers: [1]")
    small_grid.write_text(grid.replace("epochs: [1, 2]", "epochs: [1]"))
    for name in ("first", "second"):
        options = ("--name", name, "--data", images, "--offline", *OPTIONS)
        assert fmsearch("study", "--space", small_grid, *options).returncode == 0
    with hold(Places.of(tmp_path / "mlruns").lock("first"), "first"):
        synced = fmsearch("sync")
    assert synced.stdout.splitlines() == [
        f"first: left to process {os.getpid()}, which is at it",
        "second: 2 of 2 trials shipped",
    ], synced.stderr
    assert fmsearch("sync").stdout == "first: 2 of 2 trials shipped\n"


def test_a_fresh_study_deletes_the_old_ones_runs_and_begins_anew(  # type: ignore[no-untyped-def]
    begin, fmsearch, small_grid, images, tmp_path
) -> None:
    small_grid.write_text(small_grid.read_text().replace("layers: [1, 2]", "layers: [1]"))
    arguments = ("study", "--space", small_grid, "--data", images, "--jobs", 1, *OPTIONS)
    assert fmsearch(*arguments).returncode == 0
    first = {run.info.run_id for run in trial_runs(tmp_path / "mlruns")}
    asked = fmsearch(*arguments, "--seed", 1, "--fresh")
    assert asked.stderr == (
        "fmsearch: --fresh asks before it deletes; where nobody can answer, add --yes\n"
    )
    anew = begin(*arguments[1:], "--seed", 1, "--fresh", "--yes")
    assert anew.stdout.readline() == "small: 4 trials, 1 trainer\n"
    beside = fmsearch(*arguments, "--seed", 1, "--fresh", "--yes")
    assert beside.stderr.startswith("fmsearch: the study 'small' is being run by process ")
    assert anew.wait(120) == 0
    second = trial_runs(tmp_path / "mlruns")
    assert len(second) == 4
    assert not first & {run.info.run_id for run in second}


def test_the_example_finds_the_best_model_and_asks_it(finished) -> None:  # type: ignore[no-untyped-def]
    example = Path(__file__).parent.parent / "examples" / "best_model.py"
    done = subprocess.run(
        [sys.executable, example, "small"], cwd=finished, capture_output=True, text=True
    )
    lines = done.stdout.splitlines()
    assert lines[0].startswith("small-000"), done.stderr
    assert len(lines) == 6
    assert all(" taken for " in line for line in lines[1:])


def test_ctrl_c_before_the_first_trial_is_one_line(begin, small_grid, images) -> None:  # type: ignore[no-untyped-def]
    process = begin("--space", small_grid, "--data", images, "--jobs", 1, *OPTIONS)
    deadline = time.monotonic() + 30
    while not grandchildren(os.getpid()):  # the process that loads TensorFlow for the trainers
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == "fmsearch: interrupted; the same command goes on from here\n"


def test_status_shows_whole_scores_to_other_programs(warm_program, finished) -> None:  # type: ignore[no-untyped-def]
    def lines(*arguments: str) -> list[list[str]]:
        done = warm_program.run(finished, "status", *arguments)
        return [line.split() for line in done.stdout.splitlines() if "─" not in line]

    *above, header, first, second = lines("small")
    assert above[0] == ["small:", "2", "trials:", "2", "complete"]
    assert header == ["trial", "state", "score", "std", "epochs", "reason"]
    best = first if "*" in first else second
    assert [row[0] for row in (first, second)] == ["0", "1"]
    score = best[best.index("complete") + 1]
    assert len(score) == 7
    assert above[1][:5] == ["best:", "trial", f"{best[0]},", "score", f"{score}:"]
    header, study = lines()
    assert header[:5] == ["study", "trials", "complete", "pruned", "failed"]
    assert header[5:] == ["best", "score", "best", "trial"]
    assert study[:6] == ["small", "2", "2", "0", "0", score]


def test_results_on_disk_that_the_storage_does_not_know_are_told(  # type: ignore[no-untyped-def]
    fmsearch, small_grid, images, tmp_path
) -> None:
    from fmsearch.search.storage.storage import open_storage

    arguments = ("--space", small_grid, "--data", images, "--offline", *OPTIONS)
    assert fmsearch("study", *arguments).returncode == 0
    whole = scores(tmp_path / "mlruns")
    study = open_storage(f"sqlite:///{tmp_path / 'mlruns' / 'studies.db'}").study("small")
    with sqlite3.connect(tmp_path / "mlruns" / "studies.db") as database:
        # As if the coordinator had been killed just before it told trials 0 to 2.
        database.execute("delete from trial_values where trial_id <= 3")
        database.execute("delete from trial_user_attributes where trial_id <= 3")
        database.execute("update trials set state = 'RUNNING' where trial_id <= 2")
        database.execute("update trials set state = 'WAITING' where trial_id = 3")
    assert {study.trials()[number].state.value for number in range(3)} == {"running", "waiting"}
    synced = fmsearch("sync")
    assert synced.stdout == "small: 8 of 8 trials shipped\n", synced.stderr
    assert scores(tmp_path / "mlruns") == whole
    assert {run.info.status for run in trial_runs(tmp_path / "mlruns")} == {"FINISHED"}


def test_studies_of_one_name_in_two_storage_keep_their_runs_apart(  # type: ignore[no-untyped-def]
    fmsearch, small_grid, images, tmp_path
) -> None:
    arguments = ("--space", small_grid, "--data", images, *OPTIONS)
    assert fmsearch("study", *arguments).returncode == 0
    (tmp_path / "mlruns" / "studies.db").unlink()
    assert fmsearch("study", *arguments, "--seed", 1).returncode == 0
    runs = trial_runs(tmp_path / "mlruns")
    assert len(runs) == 16
    assert len({run.data.params["seed"] for run in runs}) == 8
