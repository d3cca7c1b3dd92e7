"""A study gets another name, is written for other programs, and is deleted."""

from __future__ import annotations

import csv
import json
import shutil
import zipfile
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run, ViewType

import fmsearch.tracking.renamed_runs as renamed_runs
from fmsearch.artifact_addresses import rewrite
from fmsearch.cli import main
from fmsearch.errors import FmsearchError
from fmsearch.places import Places
from fmsearch.search.doctor.doctor import examine
from fmsearch.search.storage.storage import open_storage
from fmsearch.search.storage.stored_study import StoredStudy
from fmsearch.search.study.delete import delete_study, versions_in_use
from fmsearch.search.study.export import export_study
from fmsearch.search.study.rename import rename_study
from fmsearch.search.study.sync import sync_all

from ..doctor.patient import GRID, run
from ..storage.new_study import make


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, images: Path) -> Path:
    home = tmp_path_factory.mktemp("studies") / "mlruns"
    run(home, images, GRID)
    return home


@pytest.fixture
def places(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """A copy of a store with a finished grid."""
    monkeypatch.setattr("mlflow.tracking._tracking_service.utils._artifact_repos_cache", {})
    home = tmp_path / "mlruns"
    shutil.copytree(finished, home)
    rewrite(home / "mlflow.db", [finished], home)
    return Places.of(home)


def study(places: Places, name: str) -> StoredStudy:
    return open_storage(places.storage).study(name)


def runs(places: Places, kind: int = ViewType.ACTIVE_ONLY) -> list[Run]:
    return list(MlflowClient(places.tracking_uri).search_runs(["1"], "", kind))


def called(places: Places) -> dict[str, str]:
    """The names of all runs, each with the study that its tag names."""
    return {run.info.run_name: run.data.tags["fmsearch.study"] for run in runs(places)}


RENAMED = dict.fromkeys(["other", *(f"other-000{number}" for number in range(4))], "other")


def differences(places: Places, name: str, *, fix: bool = False) -> list[str]:
    (found,) = examine(places, [name], fix=fix)
    return [one.what for one in found.left]


def test_a_renamed_study_is_whole_and_goes_on_under_its_name(places: Places, images: Path) -> None:
    rename_study(places, "grid", "other")
    assert open_storage(places.storage).names() == ["other"]
    assert called(places) == RENAMED
    assert differences(places, "other") == []
    (note,) = [run.data.tags["mlflow.note.content"] for run in runs(places)
               if run.info.run_name == "other"]  # fmt: skip
    assert "`fmsearch register --study other`" in note
    run(places.home, images, GRID, name="other")
    assert called(places) == RENAMED


def rename_in_part(places: Places, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rename the grid; that is cut off after so many runs."""
    whole, done = renamed_runs._rename, []

    def cut_off(*arguments: object) -> None:
        if len(done) == most:
            raise KeyboardInterrupt
        whole(*arguments)  # type: ignore[arg-type]
        done.append(arguments)

    with monkeypatch.context() as patch:
        patch.setattr(renamed_runs, "_rename", cut_off)
        with pytest.raises(KeyboardInterrupt):
            rename_study(places, "grid", "other")


@pytest.mark.parametrize("most", [0, 2])
def test_what_a_cut_off_renaming_left_the_doctor_names_and_completes(
    places: Places, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    rename_in_part(places, most, monkeypatch)
    assert open_storage(places.storage).names() == ["other"]
    assert differences(places, "other") == [
        "MLflow or a folder has it under an earlier name (grid)"
    ]
    assert differences(places, "other", fix=True) == []
    assert called(places) == RENAMED
    assert differences(places, "other") == []


def test_the_next_session_completes_it_and_makes_no_second_run(
    places: Places, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename_in_part(places, 1, monkeypatch)
    run(places.home, images, GRID, name="other")
    assert called(places) == RENAMED
    assert differences(places, "other") == []


def test_an_outbox_with_the_former_name_is_found_by_its_id(places: Places) -> None:
    former = places.outbox(study(places, "grid").config.label)
    former.mkdir(parents=True)
    (former / "study").touch()  # its run is to be written anew
    open_storage(places.storage).rename("grid", "other")  # as on another host
    assert [(one.study, one.left, one.fault) for one in sync_all(places)] == [("other", None, "")]
    assert list(places.outbox("").iterdir()) == []
    assert called(places) == RENAMED


def test_a_name_that_is_taken_changes_nothing(places: Places, images: Path) -> None:
    make(places.storage, images, name="other")
    with pytest.raises(FmsearchError, match="there is a study 'other' already; choose another"):
        rename_study(places, "grid", "other")
    assert sorted(open_storage(places.storage).names()) == ["grid", "other"]
    assert "grid-0003" in called(places)


def test_a_folder_has_what_other_programs_read(places: Places, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    written = export_study(study(places, "grid"), places, folder)
    assert written == ["cv_results.csv", "model.keras", "space.yaml", "study.json", "trials.csv"]
    document = json.loads((folder / "study.json").read_text())
    rows = list(csv.DictReader((folder / "trials.csv").open()))
    assert [float(row["score"]) for row in rows] == [one["score"] for one in document["trials"]]
    scores = [one["score"] for one in document["trials"]]
    assert document["best"] == scores.index(max(scores))
    assert document["space"]["yaml"] == GRID == (folder / "space.yaml").read_text()
    assert "model.weights.h5" in zipfile.ZipFile(folder / "model.keras").namelist()


@pytest.mark.parametrize("name", ["out.json", "out.csv"])
def test_a_file_has_the_same_as_the_folder(places: Places, tmp_path: Path, name: str) -> None:
    in_folder = {".json": "study.json", ".csv": "trials.csv"}[Path(name).suffix]
    export_study(study(places, "grid"), places, tmp_path / "out", with_model=False)
    assert export_study(study(places, "grid"), places, tmp_path / name) == [name]
    assert (tmp_path / name).read_text() == (tmp_path / "out" / in_folder).read_text()


def test_what_is_there_already_is_not_overwritten(places: Places, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(FmsearchError, match="out exists already; name a new folder"):
        export_study(study(places, "grid"), places, tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


def test_a_deleted_studys_runs_are_in_the_bin(places: Places) -> None:
    delete_study(places, "grid")
    assert open_storage(places.storage).names() == []
    assert runs(places) == []
    assert len(runs(places, ViewType.DELETED_ONLY)) == 5


def test_a_study_behind_an_alias_is_deleted_by_force_only(
    places: Places,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    client = MlflowClient(places.tracking_uri, places.tracking_uri)
    tags = {"fmsearch.study_id": study(places, "grid").config.id, "fmsearch.role": "final"}
    final = client.create_run("1", tags={**tags, "fmsearch.study": "grid"}, run_name="grid-final")
    client.create_registered_model("mine")
    client.create_model_version("mine", f"{final.info.artifact_uri}/model", final.info.run_id)
    client.set_registered_model_alias("mine", "challenger", "1")
    assert versions_in_use(places, study(places, "grid").config) == []
    client.set_registered_model_alias("mine", "champion", "1")
    monkeypatch.chdir(tmp_path)
    for more, code in ((["--yes"], 1), (["--yes", "--force"], None)):
        with pytest.raises(SystemExit) as ended:
            main(["studies", "delete", "grid", *more])
        assert ended.value.code == code
    said = capfd.readouterr()
    assert "models:/mine@champion comes from the study 'grid'; --force deletes it" in said.err
    assert said.out == "grid is deleted; its runs are in MLflow's bin\n"
    assert [run.info.run_name for run in runs(places)] == ["grid-final"]
