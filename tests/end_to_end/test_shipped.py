"""What is shipped has arrived, and what waits is whole, whatever stands between."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts

from fmsearch.checksums import checksums, read_checksums
from fmsearch.places import Places
from fmsearch.search.storage.storage import open_storage
from fmsearch.search.study.sync import run_records_of
from fmsearch.tracking.store import Store

from ..conftest import Begin, Run
from .records import run_of, runs, stored

OPTIONS = ("--train-images", 400, "--jobs", 1)


@pytest.fixture
def waiting(fmsearch: Run, two_points: Path, images: Path, tmp_path: Path) -> Path:
    """The outbox of a finished study of two trials that was run offline."""
    done = fmsearch("study", "--space", two_points, "--data", images, "--offline", *OPTIONS)
    assert done.returncode == 0, done.stderr
    study = stored(tmp_path / "mlruns", "small")
    return Places.of(tmp_path / "mlruns").outbox(study.config.label)


def files_in_mlflow(port: int, experiment: str, folder: Path) -> dict[str, bool]:
    """Of each run's artifacts and each model, whether they are as their checksums say."""
    client = MlflowClient(f"http://127.0.0.1:{port}")
    found = client.get_experiment_by_name(experiment)
    assert found is not None
    where = [found.experiment_id]
    here = {}
    for run in client.search_runs(where):
        name = str(run.info.run_name)
        client.download_artifacts(run.info.run_id, "", str(folder / name))
    for model in client.search_logged_models(where):
        name = f"model of {client.get_run(model.source_run_id).info.run_name}"
        (folder / name).mkdir()
        where_to = str(folder / name)
        server = f"http://127.0.0.1:{port}"
        download_artifacts(model.artifact_location, dst_path=where_to, tracking_uri=server)
    for one in folder.iterdir():
        (listed,) = one.rglob("SHA256SUMS")
        here[one.name] = read_checksums(listed) == checksums(listed.parent)
    return here


LIED_ABOUT = {
    "model": (("PUT", "model.keras"), ("POST", "runs/log-batch")),
    "figure": (("PUT", "confusion_matrix.png"), ("POST", "runs/update")),
    "run": (("POST", "runs/create"), ("PUT", "SHA256SUMS")),
}
"""In each store, first the one and then the other."""


def login_page_for(method: str, part: str) -> Callable[[str, str], str]:
    return lambda how, path: "login page" if how == method and part in path else ""


def test_an_upload_that_a_login_page_answers_is_sent_again(
    waiting: Path, begin: Begin, proxy_class: type[Any], mlflow_server: int, tmp_path: Path
) -> None:
    """Of six kinds, in three stores at once."""
    cases = {}
    for name in LIED_ABOUT:
        shutil.copytree(tmp_path / "mlruns", tmp_path / name)
        cases[name] = proxy_class(mlflow_server, lambda how, path: "")

    def all_at_once(*command: str) -> dict[str, tuple[int | None, str, str]]:
        begun = {
            name: begin(
                *command, "--home", name,
                MLFLOW_TRACKING_URI=proxy.url, MLFLOW_EXPERIMENT_NAME=name,
            )
            for name, proxy in cases.items()
        }  # fmt: skip
        said = {name: one.communicate() for name, one in begun.items()}
        return {name: (one.returncode, *said[name]) for name, one in begun.items()}

    for turn in (0, 1):
        lies = {name: proxy.faults["login page"] for name, proxy in cases.items()}
        for name, proxy in cases.items():
            proxy.choose = login_page_for(*LIED_ABOUT[name][turn])
        for name, (code, said, errors) in all_at_once("sync").items():
            assert (name, code, said) == (name, 1, "small: 0 of 2 trials shipped\n"), errors
            assert "Traceback" not in errors
            assert cases[name].faults["login page"] > lies[name], (name, turn)
            assert len(list((tmp_path / name / "outbox" / waiting.name).glob("trial-*"))) == 2

    for proxy in cases.values():
        proxy.choose = lambda how, path: ""
    for name, (code, said, errors) in all_at_once("sync").items():
        assert (name, code, said) == (name, 0, "small: 2 of 2 trials shipped\n"), errors
        assert not (tmp_path / name / "outbox" / waiting.name).exists()
    for name, (code, said, errors) in all_at_once("doctor").items():
        assert (name, code, said) == (name, 0, "no differences\n"), errors
    runs_of_all = {"small", "small-0000", "small-0001"}
    models = {f"model of {name}" for name in runs_of_all - {"small"}}
    for name in cases:
        whole = files_in_mlflow(mlflow_server, name, tmp_path / f"files of {name}")
        assert whole == dict.fromkeys(runs_of_all | models, True), name


def test_what_may_be_asked_twice_is_asked_again_without_another_shipment(
    waiting: Path, proxy: Any, mlflow_server: int, tmp_path: Path
) -> None:
    """Of each kind of request that makes nothing new, the first one fails."""
    kinds, failed = cycle(("busy", "error", "lost request", "lost answer", "cut answer")), set()

    def choose(how: str, path: str) -> str:
        asked = how if how == "PUT" else urlsplit(path).path.rpartition("/")[2]
        if asked in failed or asked in ("create", "outputs", "logged-models"):
            return ""
        failed.add(asked)
        return next(kinds)

    study = stored(tmp_path / "mlruns", "small")
    record = run_records_of(study.config).trial(study.trials()[0], waiting / "trial-000000")
    proxy.choose = choose
    places = Places.of(tmp_path / "mlruns", proxy.url, experiment="asked-again")
    Store(places, retry_seconds=0).ship(record)
    assert {"log-batch", "search", "get", "update", "PUT", "artifacts"} <= failed
    assert sum(proxy.faults.values()) == len(failed)


SIXTEEN = """\
name: flaky
model: mlp
engine: keras_tuner
score: {by: validation}
fixed: {hidden_units: 8, batch_size: 64, epochs: 1}
parameters:
  dropout_rate: [0.0, 0.1, 0.2, 0.3]
  optimizer: [sgd, adam, rmsprop, adamw]
"""


def test_a_flaky_server_has_all_trials_when_the_study_ends(
    fmsearch: Run, images: Path, proxy: Any, mlflow_server: int, tmp_path: Path
) -> None:
    """Of a hundred requests six fail: unanswered, half answered, or not even heard."""
    (tmp_path / "flaky.yaml").write_text(SIXTEEN)
    environment = {"MLFLOW_TRACKING_URI": proxy.url, "MLFLOW_EXPERIMENT_NAME": "flaky"}
    kinds = ("busy", "error", "lost request", "lost answer", "cut answer", "login page")
    chance = random.Random(6)
    proxy.choose = lambda how, path: chance.choice(kinds) if chance.random() < 0.06 else ""
    done = fmsearch("study", "--space", "flaky.yaml", "--data", images, *OPTIONS, **environment)
    assert done.returncode == 0, done.stderr
    assert "wait in the outbox" not in done.stdout
    assert set(proxy.faults) == set(kinds)
    proxy.choose = lambda how, path: ""
    checked = fmsearch("doctor", "--quick", **environment)
    assert (checked.returncode, checked.stdout) == (0, "no differences\n")
    whole = files_in_mlflow(mlflow_server, "flaky", tmp_path / "files")
    assert len(whole) == 1 + 16 + 16
    assert all(whole.values())


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def overwritten(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


DAMAGES = (cut, overwritten, Path.unlink)
WORDS = {cut: "is damaged", overwritten: "is damaged", Path.unlink: "is missing"}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda one: one.__name__)
@pytest.mark.parametrize("name", ["model.keras", "result.json", "model_summary.txt"])
def test_a_damaged_result_is_kept_apart_and_keeps_nobody_else_waiting(
    name: str, damage: Callable[[Path], None], waiting: Path, fmsearch: Run, tmp_path: Path
) -> None:
    damage(waiting / "trial-000000" / name)
    left = {file.name for file in (waiting / "trial-000000").iterdir()}
    done = fmsearch("sync")
    assert (done.returncode, done.stdout) == (0, "small: 1 of 1 trials shipped\n")
    apart = waiting / "apart-trial-000000"
    line = f"{waiting / 'trial-000000'} is kept apart as {apart.name}: {name} {WORDS[damage]}"
    assert line in done.stderr
    assert {file.name for file in apart.iterdir()} == left | {"why.txt"}
    assert [run.info.run_name for run in runs(tmp_path / "mlruns")] == ["small-0001"]

    missing = "small trial 0: its run is missing, the storage says complete"
    kept = f"small: {apart} is kept apart: {name} {WORDS[damage]}"
    looked = fmsearch("doctor")
    assert looked.returncode == 1
    assert looked.stdout.splitlines()[:2] == [kept, missing]
    mended = fmsearch("doctor", "--fix")
    assert mended.stdout.splitlines() == [kept, f"mended: {missing}", "1 mended, none left"]
    assert fmsearch("doctor").stdout.splitlines() == [kept, "no differences"]
    run = run_of(tmp_path / "mlruns", "small-0000")
    score = stored(tmp_path / "mlruns", "small").trials()[0].score
    assert run.data.metrics["score"] == score
    assert run.data.tags["fmsearch.restored"].startswith("made anew from the storage")
    assert "fmsearch.model" not in run.data.tags


def test_a_damaged_result_that_the_storage_does_not_know_is_trained_again(
    waiting: Path, fmsearch: Run, two_points: Path, images: Path, tmp_path: Path
) -> None:
    before = stored(tmp_path / "mlruns", "small").trials()
    with sqlite3.connect(tmp_path / "mlruns" / "studies.db") as database:
        # As if the coordinator had been killed just before it told trial 0.
        database.execute("delete from trial_values where trial_id = 1")
        database.execute("delete from trial_user_attributes where trial_id = 1")
        database.execute("update trials set state = 'RUNNING' where trial_id = 1")
    cut(waiting / "trial-000000" / "model.keras")
    done = fmsearch("study", "--space", two_points, "--data", images, *OPTIONS)
    assert done.returncode == 0, done.stderr
    after = stored(tmp_path / "mlruns", "small").trials()
    assert [trial.score for trial in after] == [trial.score for trial in before]
    assert after[0].result != before[0].result
    assert after[1] == before[1]
    assert run_of(tmp_path / "mlruns", "small-0000").data.tags["fmsearch.result"] == after[0].result
    assert [path.name for path in waiting.iterdir()] == ["apart-trial-000000"]


def test_a_result_that_stands_against_another_one_in_mlflow_waits_and_both_are_named(
    fmsearch: Run, two_points: Path, images: Path, tmp_path: Path
) -> None:
    """A backup of the storage comes back, and what it does not know is trained again."""
    home = tmp_path / "mlruns"
    study = ("study", "--space", two_points, "--data", images, *OPTIONS)
    assert fmsearch(*study).returncode == 0
    first = run_of(home, "small-0001")
    with sqlite3.connect(home / "studies.db") as database:
        database.execute("delete from trial_values where trial_id = 2")
        database.execute("delete from trial_user_attributes where trial_id = 2")
        database.execute("update trials set state = 'WAITING' where trial_id = 2")
    done = fmsearch(*study)
    assert done.returncode == 0
    assert "1 trials wait in the outbox" in done.stdout
    score = stored(home, "small").trials()[1].score
    ((_, line),) = [
        one.split(": ", 1) for one in done.stderr.splitlines() if "has another result" in one
    ]
    assert f"MLflow's run small-0001 ({first.info.run_id}) has another result" in line
    assert line.count(f"score {score:.4f}, ended 2") == 2
    for command in (("sync",), ("doctor", "--fix")):
        tried = fmsearch(*command)
        assert tried.returncode == 1, tried.stdout
        assert "has another result" in tried.stderr + tried.stdout
        assert run_of(home, "small-0001").to_dictionary() == first.to_dictionary()
    MlflowClient(f"sqlite:///{home / 'mlflow.db'}").delete_run(first.info.run_id)
    assert fmsearch("sync").stdout == "small: 1 of 1 trials shipped\n"
    assert run_of(home, "small-0001").info.run_id != first.info.run_id


def test_the_run_of_a_study_that_was_cut_off_at_its_begin_becomes_whole(
    waiting: Path, fmsearch: Run, tmp_path: Path
) -> None:
    """The server died just after the run was made."""
    home = tmp_path / "mlruns"
    shutil.copytree(home, tmp_path / "other")
    assert fmsearch("sync").returncode == 0
    (whole,) = runs(home, "study")
    other = tmp_path / "other"
    config = open_storage(Places.of(other).storage).study("small").config
    assert config.label == waiting.name
    identity = ("study", "study_id", "role")
    tags = {f"fmsearch.{name}": whole.data.tags[f"fmsearch.{name}"] for name in identity}
    store = Store(Places.of(other))
    store.client.create_run(store.experiment_id, tags=tags, run_name="small")
    done = fmsearch("sync", "--home", other)
    assert (done.returncode, done.stdout) == (0, "small: 2 of 2 trials shipped\n")
    (after,) = runs(other, "study")
    assert after.info.status == "FINISHED"
    assert after.data.metrics == whole.data.metrics
    assert after.data.params == whole.data.params
    ours = {name: text for name, text in whole.data.tags.items() if name.startswith("fmsearch.")}
    assert ours.items() <= after.data.tags.items()
    assert len(after.inputs.dataset_inputs) == 1
    names = {one.path for one in store.client.list_artifacts(after.info.run_id)}
    assert {"space.yaml", "trials.csv", "SHA256SUMS"} <= names
