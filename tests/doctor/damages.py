"""Damages to a store, each with the lines by which the doctor names it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable

from optuna.distributions import FloatDistribution

from fmsearch.places import Places
from fmsearch.search.storage.storage import open_storage

from .patient import METRICS, STATES, Patient, erase

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


def report_with_a_digit_changed(patient: Patient) -> list[str]:
    file = patient.files("search-0005") / "classification_report.json"
    file.write_text(file.read_text().replace("0.", "1.", 1))
    return ["search trial 5: artifact classification_report.json is damaged"]


def figure_cut_to_half(patient: Patient) -> list[str]:
    file = patient.files("grid-0001") / "figures" / "confusion_matrix.png"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    return ["grid trial 1: artifact figures/confusion_matrix.png is damaged"]


def table_with_garbage_behind(patient: Patient) -> list[str]:
    with (patient.files("search") / "trials.csv").open("a") as file:
        file.write("0,1\n")
    return ["search: artifact trials.csv is damaged"]


def damaged_checksums(patient: Patient) -> list[str]:
    (patient.files("grid-0001") / "SHA256SUMS").write_text("none")
    return ["grid trial 1: artifact SHA256SUMS is damaged"]


def run_that_is_gone(patient: Patient) -> list[str]:
    erase(patient, "grid-0002")
    return ["grid trial 2: its run is missing, the storage says complete"]


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
    return [
        f"grid trial {worst}: it has a run, the storage says waiting; if that is an older one, put "
        "the newer one back; else delete that run"
    ]


def half_written_result(patient: Patient) -> list[str]:
    (patient.outbox("grid") / ".trial-000001.part").mkdir()
    return ["grid: outbox: .trial-000001.part is half written"]


def half_drawn_figures(patient: Patient) -> list[str]:
    (patient.outbox("grid") / ".study-1x.part").mkdir()
    return ["grid: outbox: .study-1x.part is half written"]


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
    figures = patient.files("search") / "figures"
    drawn = sorted(path.name for path in (figures / "search").iterdir())
    shutil.rmtree(figures)
    (patient.files("search") / "trials.csv").unlink()
    patient.execute(
        *(
            f"delete from {table} where run_uuid = '{run_id}' and key = 'best_score'"
            for table in METRICS
        )
    )
    patient.client.delete_tag(run_id, "fmsearch.best_parameters")
    return [
        "search: tag fmsearch.best_parameters is missing",
        "search: metric best_score is missing",
        "search: artifact figures/class_distribution.png is missing",
        "search: artifact figures/class_samples.png is missing",
        *(f"search: artifact figures/search/{name} is missing" for name in drawn),
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
    report_with_a_digit_changed,
    figure_cut_to_half,
    table_with_garbage_behind,
    damaged_checksums,
    run_that_is_gone,
    runs_of_other_ends_that_are_gone,
    second_run,
    run_of_no_trial,
    trial_without_owner,
    half_written_result,
    half_drawn_figures,
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


def damaged_confusion_matrix(patient: Patient) -> list[str]:
    file = patient.files("grid-0001") / "confusion_matrix.json"
    file.write_text(file.read_text()[:-20])
    return ["grid trial 1: artifact confusion_matrix.json is damaged"]


def model_that_does_not_open(patient: Patient) -> list[str]:
    file = patient.model("grid-0001")[1] / "data" / "model.keras"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    return ["grid trial 1: the files of its model are damaged"]


def run_of_another_result(patient: Patient) -> list[str]:
    run_id = patient.id("grid-0001")
    score = patient.run("grid-0001").data.metrics["score"]
    patient.client.set_tag(run_id, "fmsearch.result", "0" * 32)
    patient.client.log_metric(run_id, "score", 0.25, step=3)
    return [
        f"grid trial 1: its run ({run_id}) has another result, with score 0.25; the storage has "
        f"one with score {score!r}. Put the newer storage back, or delete that run"
    ]


UNMENDABLE: list[Damage] = [
    storage_of_last_week,
    damaged_confusion_matrix,
    model_that_does_not_open,
    run_of_another_result,
    other_param,
    missing_confusion_matrix,
    missing_summary,
    deleted_model,
    model_without_its_files,
]
