"""The doctor: what it finds, and what it says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fmsearch.errors import FmsearchError
from fmsearch.search.doctor import Finding
from fmsearch.search.ledger import Ledger
from fmsearch.search.lock import hold
from fmsearch.tracking.places import Places

from .damages import deleted_model, run_left_running
from .patient import STATES, Patient


def test_a_healthy_store_has_no_differences(patient: Patient) -> None:
    ledger = Ledger(Places.of(patient.home).storage)
    assert [trial.state.value for trial in ledger.study("search").trials()] == STATES
    assert ledger.study("search").trials()[7].duplicate_of == 0
    for study in ("grid", "search"):
        assert patient.doctor(study) == Finding(study, waiting=None, left=[])


def test_what_fmsearch_did_not_make_is_left_alone(patient: Patient) -> None:
    outbox = patient.outbox("grid")
    (outbox / "checkpoint-best.npz").touch()
    (outbox / "checkpoint-000001.npz").mkdir()
    (outbox / "notes.txt").touch()
    assert patient.doctor("grid", fix=True) == Finding("grid", waiting=None, left=[])
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
