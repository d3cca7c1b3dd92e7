"""The doctor: a healthy store has no differences; each damage is named, and mended if it can be."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from optuna.distributions import FloatDistribution

from fmsearch.errors import FmsearchError
from fmsearch.locks import hold
from fmsearch.models.data import describe
from fmsearch.places import Places
from fmsearch.search.doctor.doctor import Finding, examine
from fmsearch.search.engines.strategy import choose_strategy
from fmsearch.search.space.load import read_space
from fmsearch.search.storage.storage import open_storage
from fmsearch.search.study.plan import Limits, Plan
from fmsearch.search.study.run import run_study
from fmsearch.search.trainers.messages import EpochDone
from fmsearch.search.trial import State, Trial

GRID = """\
name: grid
model: mlp
engine: keras_tuner
score: {by: cross_validation, folds: 2}
fixed: {hidden_units: 8, layers: 1}
parameters: {optimizer: [adam, rmsprop], epochs: [1, 2]}
"""
# Five that the median pruner lets pass, one that it stops, one whose weights overflow, one that
# repeats another, one that is too large.
SEARCH = """\
name: search
model: mlp
engine: optuna
sampler: random
pruner: median
score: {by: validation}
constraints: {parameters: {at_most: 20000}}
fixed: {epochs: 4, layers: 1, optimizer: adamw, weight_decay: 0.99, batch_size: 4}
parameters:
  hidden_units: [8, 64]
  learning_rate: {float: [0.000001, 99.0], log: true}
published:
  - {hidden_units: 8, learning_rate: 0.01}
  - {hidden_units: 8, learning_rate: 0.009}
  - {hidden_units: 8, learning_rate: 0.008}
  - {hidden_units: 8, learning_rate: 0.007}
  - {hidden_units: 8, learning_rate: 0.006}
  - {hidden_units: 8, learning_rate: 0.000001}
  - {hidden_units: 8, learning_rate: 99.0}
  - {hidden_units: 8, learning_rate: 0.01}
  - {hidden_units: 64, learning_rate: 0.01}
"""
STATES = ["complete"] * 5 + ["pruned", "failed", "complete", "pruned"]


class Quiet:
    """Hears how a study goes on and says nothing; may send Ctrl-C after some trials."""

    def __init__(self, interrupt_after: int | None = None) -> None:
        self.left = interrupt_after

    def on_start(self, trials: list[Trial], total: int | None, jobs: int) -> None:
        """Nothing to say."""

    def on_epoch(self, trainer: int, trials: tuple[Trial, ...], done: EpochDone) -> None:
        """Nothing to say."""

    def on_trial_end(self, trial: Trial, best: Trial | None) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGINT)


def run(
    home: Path,
    images: Path,
    text: str,
    *,
    keep_models: int | None = None,
    offline: bool = False,
    callback: Quiet | None = None,
) -> None:
    space = read_space(text, "the test's space")
    trials = len(space.published) or None
    plan = Plan(
        space=space,
        name=space.name,
        data=describe(str(images)),
        seed=0,
        jobs=1,
        train_images=400,
        places=Places.of(home),
        offline=offline,
        strategy=choose_strategy(space, None, None, reproducible=False, jobs=1),
        limits=Limits(trials, None, None),
        enqueue=True,
        keep_models=keep_models,
    )
    run_study(plan, callback or Quiet())


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory, images: Path) -> Path:
    """A store with a finished grid, and a finished search that keeps its best model only."""
    home = tmp_path_factory.mktemp("doctor") / "pristine"
    run(home, images, GRID)
    run(home, images, SEARCH, keep_models=1)
    return home


@dataclass(frozen=True)
class Patient:
    """A copy of a store, to be damaged."""

    home: Path

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(f"sqlite:///{self.home / 'mlflow.db'}")

    def run(self, name: str) -> Run:
        """The run of that name, such as `grid-0001`."""
        (found,) = self.client.search_runs(["1"], f"attributes.run_name = '{name}'")
        return found

    def id(self, name: str) -> str:
        return str(self.run(name).info.run_id)

    def files(self, name: str) -> Path:
        return Path(self.run(name).info.artifact_uri.removeprefix("file://"))

    def model(self, name: str) -> tuple[str, Path]:
        (model,) = self.client.search_logged_models(["1"], f"source_run_id = '{self.id(name)}'")
        return model.model_id, Path(model.artifact_location.removeprefix("file://"))

    def outbox(self, study: str) -> Path:
        places = Places.of(self.home)
        folder = places.outbox(open_storage(places.storage).study(study).config.label)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def execute(self, *statements: str) -> None:
        """SQL, for what no interface of MLflow's does."""
        with sqlite3.connect(self.home / "mlflow.db") as database:
            for statement in statements:
                database.execute(statement)
        database.close()

    def doctor(self, study: str, *, fix: bool = False) -> Finding:
        (found,) = examine(Places.of(self.home), [study], fix=fix)
        return found


@pytest.fixture
def patient(pristine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Patient:
    # MLflow remembers where a run's artifacts are; here, runs of one id are in many places.
    monkeypatch.setattr("mlflow.tracking._tracking_service.utils._artifact_repos_cache", {})
    home = tmp_path / "mlruns"
    shutil.copytree(pristine, home)
    patient = Patient(home)
    patient.execute(  # artifacts have absolute addresses
        *(
            f"update {table} set {column} = replace({column}, '{pristine}', '{home}')"
            for table, column in (
                ("experiments", "artifact_location"),
                ("runs", "artifact_uri"),
                ("logged_models", "artifact_location"),
            )
        )
    )
    return patient


def test_a_healthy_store_has_no_differences(patient: Patient) -> None:
    storage = open_storage(Places.of(patient.home).storage)
    assert [trial.state.value for trial in storage.study("search").trials()] == STATES
    assert storage.study("search").trials()[7].duplicate_of == 0
    for study in ("grid", "search"):
        assert patient.doctor(study) == Finding(study=study, waiting=None, left=[])


def test_what_fmsearch_did_not_make_is_left_alone(patient: Patient) -> None:
    outbox = patient.outbox("grid")
    (outbox / "checkpoint-best.npz").touch()
    (outbox / "checkpoint-000001.npz").mkdir()
    (outbox / "notes.txt").touch()
    assert patient.doctor("grid", fix=True) == Finding(study="grid", waiting=None, left=[])
    assert len(list(outbox.iterdir())) == 3


Damage = Callable[[Patient], list[str]]
"""Does something to a store; gives the lines by which the doctor names it."""


def deleted_run(patient: Patient) -> list[str]:
    patient.client.delete_run(patient.id("grid-0001"))
    return ["grid trial 1: its run is deleted"]


def run_left_running(patient: Patient) -> list[str]:
    patient.client.update_run(patient.id("grid-0001"), "RUNNING")
    return ["grid trial 1: its run is RUNNING, the storage says complete"]


def pruned_run_that_is_finished(patient: Patient) -> list[str]:
    patient.client.set_terminated(patient.id("search-0005"), "FINISHED")
    return ["search trial 5: its run is FINISHED, the storage says pruned"]


def failed_run_without_its_error(patient: Patient) -> list[str]:
    patient.client.delete_tag(patient.id("search-0006"), "fmsearch.error")
    return ["search trial 6: tag fmsearch.error is missing"]


def duplicate_of_another_trial(patient: Patient) -> list[str]:
    patient.client.set_tag(patient.id("search-0007"), "fmsearch.duplicate_of", "3")
    return ["search trial 7: tag fmsearch.duplicate_of is '3', the storage says '0'"]


def missing_metric(patient: Patient) -> list[str]:
    which = f"key = 'score' and run_uuid = '{patient.id('grid-0002')}'"
    patient.execute(*(f"delete from {table} where {which}" for table in METRICS))
    return ["grid trial 2: metric score is missing"]


METRICS = ("metrics", "latest_metrics")


def other_metric(patient: Patient) -> list[str]:
    patient.client.log_metric(patient.id("grid-0002"), "fold_1_score", 0.5, step=3)
    score = open_storage(Places.of(patient.home).storage).study("grid").trials()[2].fold_scores[0]
    return [f"grid trial 2: metric fold_1_score is 0.5, the storage says {score!r}"]


def missing_curve(patient: Patient) -> list[str]:
    which = f"key = 'val_accuracy' and run_uuid = '{patient.id('search-0003')}'"
    patient.execute(*(f"delete from {table} where {which}" for table in METRICS))
    return ["search trial 3: metric val_accuracy is missing"]


def missing_param(patient: Patient) -> list[str]:
    which = f"key = 'optimizer' and run_uuid = '{patient.id('grid-0003')}'"
    patient.execute(f"delete from params where {which}")
    return ["grid trial 3: param optimizer is missing"]


def other_state(patient: Patient) -> list[str]:
    run_id = patient.id("grid-0000")
    patient.client.set_tag(run_id, "fmsearch.state", "failed")
    patient.client.set_tag(run_id, "fmsearch.error", "no\nluck")
    return [
        "grid trial 0: tag fmsearch.state is 'failed', the storage says 'complete'",
        "grid trial 0: tag fmsearch.error is there, and must not be",
    ]


def nameless_run(patient: Patient) -> list[str]:
    for tag in ("fmsearch.trial", "fmsearch.role", "mlflow.parentRunId"):
        patient.client.delete_tag(patient.id("grid-0001"), tag)
    return [
        "grid trial 1: tag fmsearch.role is missing",
        "grid trial 1: tag fmsearch.trial is missing",
        "grid trial 1: tag mlflow.parentRunId is missing",
    ]


def missing_figures(patient: Patient) -> list[str]:
    shutil.rmtree(patient.files("grid-0001") / "figures")
    return [
        "grid trial 1: artifact figures/confusion_matrix.png is missing",
        "grid trial 1: artifact figures/learning_curves.png is missing",
    ]


def empty_report(patient: Patient) -> list[str]:
    (patient.files("search-0005") / "classification_report.json").write_text("")
    return ["search trial 5: artifact classification_report.json is missing"]


def run_that_is_gone(patient: Patient) -> list[str]:
    erase(patient, "grid-0002")
    return ["grid trial 2: its run is missing, the storage says complete"]


def erase(patient: Patient, name: str) -> None:
    """As `mlflow gc` does it, without the wait."""
    which = f"where run_uuid = '{patient.id(name)}'"
    tables = (*METRICS, "params", "tags", "runs")
    patient.execute(*(f"delete from {table} {which}" for table in tables))


def runs_of_other_ends_that_are_gone(patient: Patient) -> list[str]:
    for number in (3, 5, 6, 7, 8):
        erase(patient, f"search-000{number}")
    return [
        f"search trial {number}: its run is missing, the storage says {STATES[number]}"
        for number in (3, 5, 6, 7, 8)
    ]


def second_run(patient: Patient) -> list[str]:
    tags = patient.run("grid-0001").data.tags
    run = patient.client.create_run("1", tags=tags, run_name="grid-0001")
    return [f"grid trial 1: it has a second run ({run.info.run_id})"]


def run_of_no_trial(patient: Patient) -> list[str]:
    tags = {**patient.run("grid-0001").data.tags, "fmsearch.trial": "99"}
    tags["mlflow.runName"] = "grid-0099"
    run = patient.client.create_run("1", tags=tags)
    return [f"grid: the run grid-0099 ({run.info.run_id}) belongs to no trial"]


def trial_without_owner(patient: Patient) -> list[str]:
    study = open_storage(Places.of(patient.home).storage).study("search").study()
    study.ask({"learning_rate": FloatDistribution(1e-6, 99.0, log=True)})
    return ["search trial 9: it is running in the storage, though nobody runs the study"]


def storage_of_last_week(patient: Patient) -> list[str]:
    study = open_storage(Places.of(patient.home).storage).study("grid")
    worst = min(study.trials(), key=lambda trial: trial.score or 0).number
    with sqlite3.connect(patient.home / "studies.db") as database:
        numbers = "select study_id from studies where study_name = 'grid'"
        which = f"number = {worst} and study_id in ({numbers})"
        database.execute(f"update trials set state = 'WAITING' where {which}")
    database.close()
    return [f"grid trial {worst}: it has a run, the storage says waiting"]


def half_written_result(patient: Patient) -> list[str]:
    (patient.outbox("grid") / ".trial-000001.part").mkdir()
    return ["grid: outbox: .trial-000001.part is half written"]


def half_removed_result(patient: Patient) -> list[str]:
    (patient.outbox("grid") / ".trial-000001.old").mkdir()
    return ["grid: outbox: .trial-000001.old is half removed"]


def result_of_no_trial(patient: Patient) -> list[str]:
    (patient.outbox("grid") / "trial-000099").mkdir()
    return ["grid: outbox: trial-000099 belongs to no trial"]


def stale_checkpoint(patient: Patient) -> list[str]:
    (patient.outbox("grid") / "checkpoint-000001.npz").touch()
    return ["grid trial 1: it is finished, and its checkpoint is still there"]


def deleted_study_run(patient: Patient) -> list[str]:
    patient.client.delete_run(patient.id("grid"))
    return ["grid: its run is deleted"]


def study_run_left_running(patient: Patient) -> list[str]:
    patient.client.update_run(patient.id("grid"), "RUNNING")
    return ["grid: its run is RUNNING, though nobody runs the study"]


def interrupted_grid_that_is_over(patient: Patient) -> list[str]:
    patient.client.set_terminated(patient.id("grid"), "KILLED")
    return ["grid: its run is KILLED, the storage says finished"]


def study_run_that_is_gone(patient: Patient) -> list[str]:
    erase(patient, "search")
    return ["search: its run is missing"]


def second_study_run(patient: Patient) -> list[str]:
    tags = patient.run("grid").data.tags
    run = patient.client.create_run("1", tags=tags, run_name="grid")
    return [f"grid: it has a second run ({run.info.run_id})"]


def study_run_without_its_results(patient: Patient) -> list[str]:
    run_id = patient.id("search")
    shutil.rmtree(patient.files("search") / "figures")
    (patient.files("search") / "trials.csv").unlink()
    patient.execute(
        *(f"delete from {table} where run_uuid = '{run_id}' and key = 'score'" for table in METRICS)
    )
    patient.client.delete_tag(run_id, "fmsearch.best_parameters")
    return [
        "search: tag fmsearch.best_parameters is missing",
        "search: metric score is missing",
        "search: artifact figures/class_distribution.png is missing",
        "search: artifact figures/class_samples.png is missing",
        "search: artifact figures/search/search.html is missing",
        "search: artifact trials.csv is missing",
    ]


def lost_store(patient: Patient) -> list[str]:
    for name in ("grid", *(f"grid-000{number}" for number in range(4))):
        erase(patient, name)
    trials = [f"grid trial {number}: its run is missing" for number in range(4)]
    return ["grid: its run is missing", *(f"{one}, the storage says complete" for one in trials)]


MENDABLE: list[Damage] = [
    deleted_run,
    run_left_running,
    pruned_run_that_is_finished,
    failed_run_without_its_error,
    duplicate_of_another_trial,
    missing_metric,
    other_metric,
    missing_curve,
    missing_param,
    other_state,
    nameless_run,
    missing_figures,
    empty_report,
    run_that_is_gone,
    runs_of_other_ends_that_are_gone,
    second_run,
    run_of_no_trial,
    trial_without_owner,
    storage_of_last_week,
    half_written_result,
    half_removed_result,
    result_of_no_trial,
    stale_checkpoint,
    deleted_study_run,
    study_run_left_running,
    interrupted_grid_that_is_over,
    study_run_that_is_gone,
    second_study_run,
    study_run_without_its_results,
    lost_store,
]


@pytest.mark.parametrize("damage", MENDABLE, ids=lambda damage: damage.__name__)
def test_a_damage_is_named_and_mended(patient: Patient, damage: Damage) -> None:
    expected = damage(patient)
    study = expected[0].replace(":", " ").split()[0]
    assert list(map(str, patient.doctor(study).left)) == expected
    assert list(map(str, patient.doctor(study, fix=True).mended)) == expected
    assert patient.doctor(study).left == []


def other_param(patient: Patient) -> list[str]:
    which = f"key = 'optimizer' and run_uuid = '{patient.id('grid-0003')}'"
    patient.execute(f"update params set value = 'sgd' where {which}")
    return ["grid trial 3: param optimizer is 'sgd', the storage says 'rmsprop'"]


def missing_confusion_matrix(patient: Patient) -> list[str]:
    (patient.files("grid-0001") / "confusion_matrix.json").unlink()
    (patient.files("grid-0001") / "figures" / "confusion_matrix.png").unlink()
    return [
        "grid trial 1: artifact confusion_matrix.json is missing",
        "grid trial 1: artifact figures/confusion_matrix.png is missing",
    ]


def missing_summary(patient: Patient) -> list[str]:
    (patient.files("search-0008") / "model_summary.txt").unlink()
    return ["search trial 8: artifact model_summary.txt is missing"]


def deleted_model(patient: Patient) -> list[str]:
    patient.client.delete_logged_model(patient.model("grid-0001")[0])
    return ["grid trial 1: its model is missing"]


def model_without_its_files(patient: Patient) -> list[str]:
    shutil.rmtree(patient.model("grid-0001")[1])
    return ["grid trial 1: the files of its model are missing"]


UNMENDABLE: list[Damage] = [
    other_param,
    missing_confusion_matrix,
    missing_summary,
    deleted_model,
    model_without_its_files,
]


@pytest.mark.parametrize("damage", UNMENDABLE, ids=lambda damage: damage.__name__)
def test_what_only_the_run_knew_is_named_and_left(patient: Patient, damage: Damage) -> None:
    expected = damage(patient)
    study = expected[0].split()[0]
    assert list(map(str, patient.doctor(study).left)) == expected
    after = patient.doctor(study, fix=True)
    assert (list(map(str, after.left)), after.mended) == (expected, [])


def test_a_mended_run_is_as_it_was_but_for_what_is_lost(patient: Patient) -> None:
    before = patient.run("search-0003")
    erase(patient, "search-0003")
    patient.doctor("search", fix=True)
    after = patient.run("search-0003")
    assert after.info.status == before.info.status
    assert after.data.params == before.data.params
    kept = ("score", "best_epoch", "parameters", "val_accuracy")
    assert after.data.metrics == {name: before.data.metrics[name] for name in kept}
    assert after.data.tags["fmsearch.restored"].startswith("made anew from the storage")
    curve = patient.client.get_metric_history(after.info.run_id, "val_accuracy")
    assert [point.step for point in curve] == [1, 2, 3, 4]


def test_redrawn_figures_are_the_same_to_the_last_pixel(patient: Patient) -> None:
    files = patient.files("grid-0001")
    before = {file.name: file.read_bytes() for file in (files / "figures").iterdir()}
    missing_figures(patient)
    patient.doctor("grid", fix=True)
    assert {file.name: file.read_bytes() for file in (files / "figures").iterdir()} == before


WRITES = (
    "create_run",
    "delete_run",
    "log_artifacts",
    "log_batch",
    "restore_run",
    "set_terminated",
)


class Killed(BaseException):
    """What a kill is to code that is to do without it."""


def die_before_each_write(monkeypatch: pytest.MonkeyPatch) -> set[tuple[object, ...]]:
    """Let the program die when it first comes to a writing call to MLflow; gives those calls."""
    died: set[tuple[object, ...]] = set()

    def deadly(name: str, write: Callable[..., object]) -> Callable[..., object]:
        def instead(client: MlflowClient, *arguments: object, **named: object) -> object:
            call = (name, named.get("run_name"), arguments[0])
            if call not in died:
                died.add(call)
                raise Killed
            return write(client, *arguments, **named)

        return instead

    for name in WRITES:
        monkeypatch.setattr(MlflowClient, name, deadly(name, getattr(MlflowClient, name)))
    return died


def test_a_doctor_that_is_killed_before_each_thing_that_it_does_mends_all_in_the_end(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    erase(patient, "grid-0003")
    missing_figures(patient)
    second_run(patient)
    patient.client.delete_run(patient.id("grid-0002"))
    died, deaths = die_before_each_write(monkeypatch), -1
    while deaths < len(died):
        deaths = len(died)
        with contextlib.suppress(Killed):
            patient.doctor("grid", fix=True)
    assert {name for name, *_ in died} == set(WRITES)
    assert patient.doctor("grid").left == []
    runs = patient.client.search_runs(["1"], "tags.`fmsearch.study` = 'grid'")
    assert len(runs) == 1 + 4


def test_after_ctrl_c_there_are_no_differences(images: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "mlruns", images, GRID, callback=Quiet(interrupt_after=2))
    states = {
        t.state
        for t in open_storage(f"sqlite:///{tmp_path}/mlruns/studies.db").study("grid").trials()
    }
    assert states == {State.COMPLETE, State.WAITING}
    (found,) = examine(Places.of(tmp_path / "mlruns"), ["grid"], fix=False)
    assert (found.left, found.waiting) == ([], None)


def test_results_that_wait_are_no_difference_and_are_shipped_by_fix(
    images: Path, tmp_path: Path
) -> None:
    places = Places.of(tmp_path / "mlruns")
    run(places.home, images, GRID, keep_models=0, offline=True)
    (found,) = examine(places, ["grid"], fix=False)
    assert (found.left, found.waiting) == ([], 4)
    assert not (places.home / "mlflow.db").exists()
    (found,) = examine(places, ["grid"], fix=True)
    assert (found.left, found.waiting, found.shipped) == ([], None, 4)
    (found,) = examine(places, ["grid"], fix=False)
    assert (found.left, found.waiting) == ([], None)


def test_a_study_that_is_being_run_is_one_line(patient: Patient) -> None:
    with (
        hold(Places.of(patient.home).lock("grid"), "the study 'grid'"),
        pytest.raises(FmsearchError, match="the study 'grid' is being run by process"),
    ):
        patient.doctor("grid")


def test_the_command_says_what_differs_what_is_mended_and_what_is_left(
    patient: Patient, fmsearch: Callable[..., object]
) -> None:
    (lost,), (mended,) = deleted_model(patient), run_left_running(patient)
    expected = {
        ("doctor",): (
            1,
            [mended, lost, "2 differences; `fmsearch doctor --fix` mends what can be mended"],
        ),
        ("doctor", "grid", "--fix"): (
            1,
            [f"mended: {mended}", f"cannot be mended: {lost}", "1 mended, 1 left"],
        ),
    }
    for arguments, (code, lines) in expected.items():
        done = fmsearch(*arguments)
        assert (done.returncode, done.stdout.splitlines(), done.stderr) == (code, lines, "")
