"""The doctor after studies that were interrupted, or are not shipped yet."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from fmsearch.places import Places
from fmsearch.search.doctor.doctor import examine
from fmsearch.search.storage.storage import open_storage
from fmsearch.search.trial import State

from ..conftest import Run
from ..doctor.patient import GRID, Quiet, run
from .records import client_of


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


@pytest.mark.parametrize("what", ["gone", "emptied"])
def test_a_storage_that_is_gone_is_noticed_from_outbox_and_mlflow(
    what: str, fmsearch: Run, two_points: Path, images: Path, tmp_path: Path
) -> None:
    study = ("study", "--space", two_points, "--data", images, "--train-images", 400, "--jobs", 1)
    assert fmsearch(*study, "--name", "shipped").returncode == 0
    assert fmsearch(*study, "--name", "waiting", "--offline").returncode == 0
    home = tmp_path / "mlruns"
    places = Places.of(home)
    outbox = places.outbox(open_storage(places.storage).study("waiting").config.label)
    (home / "studies.db").unlink()
    if what == "emptied":
        open_storage(places.storage)
    done = fmsearch("doctor", "--fix")
    waits, ran, total = done.stdout.splitlines()
    assert waits.startswith(f"{outbox} has 2 results of a study that the storage (")
    assert ran.startswith("MLflow has the study 'shipped' (")
    assert (done.returncode, total) == (1, "2 left")
    synced = fmsearch("sync")
    assert synced.returncode == 1
    assert f"{outbox} has 2 results of a study that the storage (" in synced.stderr
    assert len(list(outbox.glob("trial-*"))) == 2


def test_a_study_whose_record_is_damaged_keeps_no_other_from_being_examined(
    fmsearch: Run, two_points: Path, images: Path, tmp_path: Path
) -> None:
    study = ("study", "--space", two_points, "--data", images, "--train-images", 400, "--jobs", 1)
    assert fmsearch(*study, "--name", "damaged", "--offline").returncode == 0
    assert fmsearch("sync").returncode == 0  # so that it has runs
    assert fmsearch(*study, "--name", "whole", "--offline").returncode == 0
    with sqlite3.connect(tmp_path / "mlruns" / "studies.db") as database:
        database.execute(
            'update study_user_attributes set value_json = \'{"name": "damaged", "space": 3}\' '
            "where key = 'fmsearch.study' and value_json like '%\"damaged\"%'"
        )
    done = fmsearch("doctor")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines() == [
        "the record of the study 'damaged' is damaged",
        "whole: 2 trials wait in the outbox; `fmsearch sync` ships them",
        "1 difference; `fmsearch doctor --fix` mends what can be mended",
    ]
    rows = json.loads(fmsearch("doctor", "--json").stdout)
    what = "the record of the study 'damaged' is damaged"
    assert rows == [{"study": "", "trial": None, "what": what, "mended": False}]
    client = client_of(tmp_path / "mlruns")
    assert fmsearch("sync").returncode == 1  # the record is still damaged; the others are shipped
    (run,) = client.search_runs(["1"], "attributes.run_name = 'whole-0001'")
    client.delete_run(run.info.run_id)
    mended = fmsearch("doctor", "whole", "--fix", "--csv")
    assert (mended.returncode, mended.stdout) == (
        0, "study,trial,what,mended\nwhole,1,its run is deleted,True\n",
    )  # fmt: skip
    assert fmsearch("doctor", "whole", "--json").stdout == "[]\n"
