"""`fmsearch reproduce`: the published experiments again, on few images and for one epoch."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing import Pipe
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from fmsearch.models.families import FAMILIES
from fmsearch.models.split import Fold
from fmsearch.search.outbox import read_result
from fmsearch.search.reproduction.catalogue import (
    Experiment,
    choice_space,
    grid_space,
    load_catalogue,
)
from fmsearch.search.trainers.jobs import TrainerSetup, TrialJob
from fmsearch.search.trainers.messages import JobDone
from fmsearch.search.trainers.trainer import Trainer

from .conftest import IMAGES, PROGRAM, WarmProgram

ARGUMENTS = ["--data", str(IMAGES), "--train-images", "400", "--epochs", "1", "--seeds", "1"]
CATALOGUE = load_catalogue()
TRAININGS = [one for one in CATALOGUE.experiments if not one.is_grid]
GRIDS = [one for one in CATALOGUE.experiments if one.is_grid]
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


@pytest.mark.parametrize("experiment", TRAININGS, ids=lambda one: one.id)
def test_a_training_has_the_published_number_of_parameters(experiment: Experiment) -> None:
    family = FAMILIES[CATALOGUE.model(experiment)]
    chosen = (CATALOGUE.origin(experiment).candidates or ({},))[0]
    model = family.make((28, 28), 10, CATALOGUE.settings(experiment, chosen))
    published = experiment.published
    trainable = sum(int(np.prod(one.shape)) for one in model.trainable_variables)
    assert published.parameters in (None, model.count_params())
    assert published.trainable in (None, trainable)


def test_all_rows_of_the_publication_are_there() -> None:
    assert [one.id for one in CATALOGUE.experiments if not one.id.startswith("cnn_4_")] == [
        *("mlp_1", "mlp_2", "mlp_grid", "mlp_grid_refit", "mlp_grid_2", "mlp_grid_2_refit"),
        *("cnn_1", "cnn_2", "cnn_3", "cnn_4"),
    ]


@pytest.mark.parametrize("experiment", GRIDS, ids=lambda one: one.id)
def test_a_published_winner_is_a_point_of_its_grid(experiment: Experiment) -> None:
    parameters = grid_space(experiment).parameters
    assert experiment.winner.keys() == parameters.keys()
    assert all(parameters[name].domain.holds(one) for name, one in experiment.winner.items())


def test_a_choice_tries_each_candidate_once_on_validation_images() -> None:
    space = choice_space(CATALOGUE["cnn_4"])
    assert space.scoring.value == "validation"
    assert [dict(point) for point in space.published] == [
        dict(one) for one in CATALOGUE["cnn_4"].candidates
    ]
    assert space.trials == len(space.published)


def test_other_tests_change_what_was_chosen_for_their_origin() -> None:
    chosen = {"dropout_rate": 0.3, "dense_dropout": 0.3, "batch_size": 128, "epochs": 7}
    settings = CATALOGUE.settings(CATALOGUE["cnn_4_batch_64"], chosen)
    assert (settings["batch_size"], settings["dropout_rate"], settings["epochs"]) == (64, 0.3, 7)
    assert settings["filters_3"] == 64


def test_a_trial_can_be_trained_where_there_are_no_test_images(tmp_path: Path) -> None:
    with np.load(IMAGES) as whole:
        parts = {name: whole[name] for name in whole.files if not name.endswith("_test")}
    np.savez(tmp_path / "train.npz", **parts)
    rows = np.arange(400, dtype=np.int32)
    setup = TrainerSetup(
        data=str(tmp_path / "train.npz"),
        classes=10,
        model="mlp",
        parameters=(),
        folds=(Fold(rows[:300], rows[300:]),),
    )
    ours, theirs = Pipe()
    settings = FAMILIES["mlp"].complete({"hidden_units": 8})
    job = TrialJob(
        epochs={0: 1},
        settings=settings,
        seed=0,
        entries={0: tmp_path / "trial"},
        checkpoint=tmp_path / "checkpoint.npz",
    )
    Trainer(theirs, setup).answer(job)
    said = [ours.recv() for _ in range(2)]
    assert said[-1] == JobDone()
    assert read_result(tmp_path / "trial").metrics["score"] > 0


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
    assert (share * 100) == pytest.approx(round(share * 100))  # a share of 100 of 400 images


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
    assert "**A rehearsal, with 400 training images and at most 1 epoch" in text
    for picture in re.findall(r"!\[.*\]\((.*)\)", text):
        assert (tmp_path / picture).stat().st_size > 1000
    page = (tmp_path / "reproduction.html").read_text()
    assert page.count("data:image/png;base64,") == len(re.findall(r"!\[", text)) > 30
    assert 'src="figures' not in page


def test_the_table_and_the_claims_are_printed(folder: Path) -> None:
    said = (folder / "said.txt").read_text()
    assert (
        "a rehearsal, with 400 training images and at most 1 epoch: its numbers say nothing" in said
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
    warm_program: WarmProgram, folder: Path, tmp_path: Path
) -> None:
    command = [PROGRAM, "reproduce", *ARGUMENTS, *TWINS, "--jobs", "1"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL) as process:
        results = tmp_path / "mlruns" / "reproductions" / "reproduce"
        until = time.monotonic() + 120
        while not (results / "reproduce-mlp_1-s0").exists() and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    reproduce(warm_program, tmp_path, *TWINS)
    for one in ("mlp_1", "mlp_2"):
        metrics = read_result(entry(tmp_path, one)).metrics
        assert metrics == read_result(entry(folder, one)).metrics
    roles = Counter(run.data.tags["fmsearch.role"] for run in all_runs(tmp_path))
    assert roles == {"reproduction": 1, "experiment": 2}
    assert {run.info.status for run in all_runs(tmp_path)} == {"FINISHED"}


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["--only", "mlp_3"], 1, "no published experiment 'mlp_3'; did you mean mlp_2?"),
        (["--only", "other"], 1, "no published experiment 'other'; there are: mlp_1, mlp_2, "),
        (["--seeds", "0"], 2, "Invalid value for '--seeds': 0 is not in the range 1<=x<=1000."),
        (["--name", "a/b"], 2, "Invalid value for --name: 'a/b' must be 1 to 40 letters"),
        (["--train-images", "9"], 1, "--train-images 9 is not from 40 (4 a class) to 2400 (all)"),
    ],
)
def test_bad_input_is_refused_in_one_line(
    fmsearch: Fmsearch, tmp_path: Path, arguments: list[str], code: int, line: str
) -> None:
    done = fmsearch("reproduce", "--data", IMAGES, *arguments)
    assert (done.returncode, done.stderr.count("\n")) == (code, 1)
    assert line in done.stderr
    assert not (tmp_path / "mlruns" / "mlflow.db").exists()


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


def test_networks_too_deep_for_the_images_are_refused(fmsearch: Fmsearch, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    parts = {
        f"{kind}_{part}": rng.integers(0, top, size, dtype=np.uint8)
        for part in ("train", "test")
        for kind, top, size in (("x", 256, (40, 8, 8)), ("y", 2, (40,)))
    }
    np.savez(tmp_path / "small.npz", **parts)
    done = fmsearch("reproduce", "--data", "small.npz", "--only", "cnn_4")
    assert done.returncode == 1
    assert "cnn_4 does not fit small: depth: 4 blocks halve the sides" in done.stderr
