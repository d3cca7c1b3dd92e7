"""The doctor: what it finds and says, and that each damage is mended if it can be."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from mlflow import MlflowClient

from fmsearch.errors import FmsearchError
from fmsearch.locks import hold
from fmsearch.places import Places
from fmsearch.search.doctor.doctor import Finding
from fmsearch.search.storage.storage import open_storage

from .damages import (
    MENDABLE,
    UNMENDABLE,
    Damage,
    deleted_model,
    missing_figures,
    run_left_running,
    second_run,
)
from .patient import STATES, Patient, erase


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


@pytest.mark.parametrize("damage", MENDABLE, ids=lambda damage: damage.__name__)
def test_a_damage_is_named_and_mended(patient: Patient, damage: Damage) -> None:
    expected = damage(patient)
    study = expected[0].replace(":", " ").split()[0]
    assert list(map(str, patient.doctor(study).left)) == expected
    assert list(map(str, patient.doctor(study, fix=True).mended)) == expected
    assert patient.doctor(study).left == []


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
