"""`fmsearch reproduce`: the published experiments again, on few images and for one epoch."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from fmsearch.search.outbox import read_result
from fmsearch.search.reproduction.catalogue import load_catalogue

from ..conftest import IMAGES, Begin, WarmProgram

ARGUMENTS = ["--data", str(IMAGES), "--train-images", "80", "--epochs", "1", "--seeds", "1"]
CATALOGUE = load_catalogue()
TWINS = ["--only", "mlp_1", "--only", "mlp_2"]
Fmsearch = Callable[..., "subprocess.CompletedProcess[str]"]


def reproduce(program: WarmProgram, folder: Path, *arguments: str) -> str:
    done = program.run(folder, "reproduce", *ARGUMENTS, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def all_runs(folder: Path) -> list[Run]:
    client = MlflowClient(f"sqlite:///{folder / 'mlruns' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("fmsearch")
    return list(client.search_runs([experiment.experiment_id], max_results=500))


def of_role(runs: list[Run], role: str) -> list[Run]:
    return [run for run in runs if run.data.tags["fmsearch.role"] == role]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, warm_program: WarmProgram) -> Path:
    """Where everything published was done again, in a rehearsal."""
    found = tmp_path_factory.mktemp("reproduced")
    (found / "said.txt").write_text(reproduce(warm_program, found))
    return found


@pytest.fixture(scope="module")
def runs(folder: Path) -> list[Run]:
    return all_runs(folder)


def test_each_experiment_has_a_run_under_the_whole_ones(runs: list[Run]) -> None:
    (parent,) = of_role(runs, "reproduction")
    children = of_role(runs, "experiment")
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    assert Counter(run.data.tags["fmsearch.experiment"] for run in children) == Counter(
        one.id for one in CATALOGUE.experiments
    )


def test_no_run_is_left_running(runs: list[Run]) -> None:
    assert {run.info.status for run in runs} == {"FINISHED"}


def test_a_training_is_recorded_with_its_figures_and_numbers(folder: Path, runs: list[Run]) -> None:
    client = MlflowClient(f"sqlite:///{folder / 'mlruns' / 'mlflow.db'}")
    (run,) = (one for one in runs if one.info.run_name == "reproduce-cnn_2-s0")
    assert [one.path for one in client.list_artifacts(run.info.run_id, "figures")] == [
        "figures/architecture.png",
        "figures/confusion_matrix.png",
        "figures/learning_curves.png",
    ]
    metrics = run.data.metrics
    assert (metrics["parameters"], metrics["trainable_parameters"]) == (840_586, 838_154)
    assert {"test_accuracy", "test_loss", "fit_accuracy", "val_accuracy"} <= metrics.keys()
    assert len(run.outputs.model_outputs) == 1


def test_a_training_is_validated_on_all_images_that_it_was_not_trained_on(folder: Path) -> None:
    history = read_result(entry(folder, "mlp_1")).history
    share = history[-1].val_accuracy
    assert share is not None
    assert (share * 20) == pytest.approx(round(share * 20))  # a share of 20 of 80 images


def entry(folder: Path, experiment: str) -> Path:
    return folder / "mlruns" / "reproductions" / "reproduce" / f"reproduce-{experiment}-s0"


def test_a_refit_has_no_validation_images(folder: Path) -> None:
    assert read_result(entry(folder, "mlp_grid_refit")).history[-1].val_accuracy is None


def test_a_network_is_trained_with_what_its_study_chose(folder: Path, runs: list[Run]) -> None:
    study = "reproduce-cnn_4-open"
    trials = [run for run in runs if run.info.run_name.startswith(f"{study}-")]
    best = max(run.data.metrics["score"] for run in trials)
    names = ("dropout_rate", "dense_dropout", "batch_size")
    winners = [
        [run.data.params[name] for name in names]
        for run in trials
        if run.data.metrics["score"] == best
    ]
    settings = read_result(entry(folder, "cnn_4")).settings
    assert len(trials) == 4
    assert [str(settings[name]) for name in names] in winners


def test_the_report_holds_published_and_measured_figures_and_pictures(
    folder: Path, runs: list[Run], tmp_path: Path
) -> None:
    client = MlflowClient(f"sqlite:///{folder / 'mlruns' / 'mlflow.db'}")
    (parent,) = of_role(runs, "reproduction")
    client.download_artifacts(parent.info.run_id, "", str(tmp_path))
    text = (tmp_path / "reproduction.md").read_text()
    accuracy = read_result(entry(folder, "mlp_1")).metrics["test_accuracy"]
    assert f"| mlp_1, test accuracy | 0.8853 | {accuracy:.4f} (1) |" in text
    assert "**A rehearsal, with 80 training images and at most 1 epoch" in text
    for picture in re.findall(r"!\[.*\]\((.*)\)", text):
        assert (tmp_path / picture).stat().st_size > 1000
    page = (tmp_path / "reproduction.html").read_text()
    assert page.count("data:image/png;base64,") == len(re.findall(r"!\[", text)) > 30
    assert 'src="figures' not in page


def test_the_table_and_the_claims_are_printed(folder: Path) -> None:
    said = (folder / "said.txt").read_text()
    assert (
        "a rehearsal, with 80 training images and at most 1 epoch: its numbers say nothing" in said
    )
    assert "mlp_1 and mlp_2 differ by 0.0109: more than seeds make?: one seed cannot say" in said
    assert re.search(r"mlp_grid: the published winner .*: (yes|no: rank \d+ of 16)", said)
    assert re.search(r"Trouser is classified best: \d+ of 11", said)


def test_what_is_done_is_not_done_again(
    warm_program: WarmProgram, folder: Path, runs: list[Run]
) -> None:
    said = reproduce(warm_program, folder, *TWINS)
    assert "to train" not in said
    again = all_runs(folder)
    assert {run.info.run_id for run in again} == {run.info.run_id for run in runs}
    assert {run.info.status for run in again} == {"FINISHED"}


def test_a_killed_reproduction_goes_on_to_the_same_numbers(
    warm_program: WarmProgram, begin: Begin, folder: Path, tmp_path: Path
) -> None:
    killed = begin("reproduce", *ARGUMENTS, *TWINS, "--jobs", 1)
    results = tmp_path / "mlruns" / "reproductions" / "reproduce"
    until = time.monotonic() + 120
    while not (results / "reproduce-mlp_1-s0").exists() and time.monotonic() < until:
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.wait(60)
    reproduce(warm_program, tmp_path, *TWINS)
    for one in ("mlp_1", "mlp_2"):
        metrics = read_result(entry(tmp_path, one)).metrics
        assert metrics == read_result(entry(folder, one)).metrics
    roles = Counter(run.data.tags["fmsearch.role"] for run in all_runs(tmp_path))
    assert roles == {"reproduction": 1, "experiment": 2}
    assert {run.info.status for run in all_runs(tmp_path)} == {"FINISHED"}


def test_a_reproduction_of_other_things_is_refused(folder: Path, fmsearch: Fmsearch) -> None:
    home = folder / "mlruns"
    done = fmsearch("reproduce", "--data", IMAGES, "--only", "mlp_1", "--home", home)
    assert done.returncode == 1
    assert done.stderr == (
        "fmsearch: the reproduction 'reproduce' was begun with another number of --train-images, "
        "number of --epochs; give this one a --name of its own\n"
    )


def test_its_runs_are_no_ones_to_replay(folder: Path, fmsearch: Fmsearch) -> None:
    done = fmsearch("replay", "reproduce-mlp_1-s0", "--home", folder / "mlruns")
    assert (done.returncode, done.stderr) == (
        1,
        "fmsearch: reproduce-mlp_1-s0 is of a reproduction, which `fmsearch reproduce` does again "
        "under another --name; replay takes runs of studies\n",
    )


def test_the_doctor_finds_nothing_wrong(folder: Path, fmsearch: Fmsearch) -> None:
    done = fmsearch("doctor", "--home", folder / "mlruns")
    assert (done.returncode, done.stdout) == (0, "no differences\n")
