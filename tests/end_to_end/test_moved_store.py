"""A store whose folder is moved, copied or mounted elsewhere: it has what it had, and goes on."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from fmsearch.locks import share
from fmsearch.places import Places
from fmsearch.tracking.ui import running_ui

from ..conftest import Begin, Run, WarmProgram
from .stack import free_port

GRID = """\
name: small
model: mlp
engine: keras_tuner
score: {by: cross_validation, folds: 2}
fixed: {hidden_units: 16, batch_size: 64}
parameters: {epochs: [1, 2]}
"""
SEARCH = """\
name: search
model: mlp
engine: optuna
score: {by: validation}
fixed: {epochs: 1, batch_size: 64}
parameters: {hidden_units: {int: [4, 24]}}
"""
NAME = "two words, 100% #1? für"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, warm_program: WarmProgram, images: Path) -> Path:
    """A folder with all that a home can have, under another name than it was made."""
    folder = tmp_path_factory.mktemp("made") / "first"
    folder.mkdir()
    (folder / "small.yaml").write_text(GRID)
    (folder / "search.yaml").write_text(SEARCH)
    options = ("--data", images, "--jobs", 1, "--train-images", 400)
    for command in (
        ("study", "--space", "small.yaml", *options),
        ("study", "--space", "search.yaml", "--trials", 2, *options),
        ("study", "--space", "small.yaml", "--name", "waits", "--offline", *options),
        ("register", "--study", "small"),
    ):
        done = warm_program.run(folder, *command)
        assert done.returncode == 0, done.stderr
    return folder.rename(folder.with_name("second"))


@pytest.fixture
def moved(made: Path, tmp_path: Path) -> Path:
    """The same folder at a place of any name."""
    return Path(shutil.copytree(made, tmp_path / NAME))


Say = Callable[..., tuple[list[str], str]]


@pytest.fixture
def say(moved: Path, warm_program: WarmProgram) -> Say:
    """Runs a command there that goes well; the lines that it says, and what it warns of."""

    def run(*arguments: object) -> tuple[list[str], str]:
        done: CompletedProcess[str] = warm_program.run(moved, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.splitlines(), done.stderr

    return run


def files(folder: Path) -> dict[str, bytes]:
    """Contents of all files but locks."""
    kept = [one for one in sorted(folder.rglob("*")) if one.is_file() and one.suffix != ".lock"]
    return {str(one): one.read_bytes() for one in kept}


def count(home: Path) -> int:
    """How many addresses a store has."""
    queries = (
        "SELECT count(*) FROM experiments",
        "SELECT count(*) FROM runs",
        "SELECT count(*) FROM logged_models",
        "SELECT count(storage_location) FROM model_versions",
    )
    with closing(sqlite3.connect(home / "mlflow.db")) as database:
        return sum(database.execute(query).fetchone()[0] for query in queries)


def test_the_doctor_finds_all_of_a_moved_store_and_it_is_said_once(
    made: Path, moved: Path, say: Say
) -> None:
    first = made.with_name("first") / "mlruns"
    lines, warned = say("doctor")
    assert lines[-1] == "no differences"
    addresses = count(moved / "mlruns")
    assert warned.endswith(
        f": the store has moved from {first}; its {addresses} addresses now say so\n"
    )
    assert warned.count("\n") == 1
    assert say("doctor") == (lines, "")


def test_a_moved_store_goes_on_and_the_former_folder_is_not_made_again(
    made: Path, moved: Path, say: Say, images: Path
) -> None:
    assert say("sync")[0] == ["waits: 2 of 2 trials shipped"]
    assert say("replay", "small-0001")[0][-1].startswith("identical: ")
    options = ("--data", images, "--jobs", 1, "--train-images", 400)
    say("study", "--space", "search.yaml", "--trials", 3, *options)
    assert say("register", "--study", "search", "--epochs", 1)[0][-1].startswith("registered: ")
    assert say("doctor", "--fix")[0] == ["no differences"]
    assert not made.with_name("first").exists()
    assert len(list((moved / "mlruns/artifacts").glob("*/artifacts/confusion_matrix.json"))) == 9


def test_a_copy_beside_its_original_uses_its_own_files(
    made: Path, warm_program: WarmProgram, tmp_path: Path
) -> None:
    original = Path(shutil.copytree(made, tmp_path / "original"))
    warm_program.run(original, "doctor")  # which is at home there from now on
    shutil.copytree(original, tmp_path / "copy")
    before = files(original)
    for command in (("sync",), ("register", "--study", "small", "--epochs", 1), ("doctor",)):
        assert warm_program.run(tmp_path / "copy", *command).returncode == 0
    assert files(original) == before
    shutil.rmtree(tmp_path / "copy" / "mlruns" / "artifacts")
    done = warm_program.run(tmp_path / "copy", "doctor", "small")
    assert (
        "trial 1: the files of its model are missing" in done.stdout
    )  # though the original has it
    assert warm_program.run(original, "doctor", "small").stdout == "no differences\n"


def test_the_ui_of_a_moved_store_shows_artifacts_and_its_model_loads(moved: Path) -> None:
    import mlflow

    home = moved / "mlruns"
    places = Places.of(home)
    port = free_port()
    with running_ui(places, port):
        with closing(sqlite3.connect(home / "mlflow.db")) as database:
            ((run,),) = database.execute("SELECT run_uuid FROM runs WHERE name = 'small-0001'")
        base = f"http://127.0.0.1:{port}"
        listed = json.loads(ask(f"{base}/ajax-api/2.0/mlflow/artifacts/list?run_id={run}"))
        assert "confusion_matrix.json" in [one["path"] for one in listed["files"]]
        picture = ask(f"{base}/get-artifact?run_id={run}&path=figures/confusion_matrix.png")
        (file,) = home.glob(f"artifacts/{run}/artifacts/figures/confusion_matrix.png")
        assert picture == file.read_bytes()
    mlflow.set_tracking_uri(places.tracking_uri)
    model = mlflow.keras.load_model("models:/fashion/1")
    assert model.output_shape == (None, 10)


def ask(url: str) -> bytes:
    """The answer of a server that may just have been started."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:
                return bytes(answer.read())
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.2)


def test_of_two_programs_that_notice_the_move_one_says_so(
    moved: Path, warm_program: WarmProgram
) -> None:
    begun = [warm_program.begin(moved, "doctor", one) for one in ("small", "search")]
    said = [one.communicate() for one in begun]
    for one in begun:
        one.end()
    assert [out for out, _ in said] == ["no differences\n"] * 2
    assert "".join(err for _, err in said).count("the store has moved from") == 1


def test_addresses_stay_while_a_program_uses_the_store_by_its_former_path(
    made: Path, moved: Path, warm_program: WarmProgram
) -> None:
    home = moved / "mlruns"
    with share(home / "locks" / ".mlflow.db.used"):  # as in a container that mounts this folder
        done = warm_program.run(moved, "doctor", "small")
    former = made.with_name("first") / "mlruns"
    expected = f"fmsearch: another program uses the store {home} as {former}; "
    assert (done.returncode, done.stderr) == (1, f"{expected}wait for it or stop it\n")
    assert warm_program.run(moved, "doctor", "small").stdout == "no differences\n"


def test_while_a_program_uses_a_store_its_folder_cannot_be_claimed_elsewhere(
    moved: Path, warm_program: WarmProgram
) -> None:
    with running_ui(Places.of(moved / "mlruns"), free_port()):
        moved.rename(moved.with_name("now"))
        done = warm_program.run(moved.with_name("now"), "doctor", "small")
    assert f"uses the store {moved.with_name('now')}/mlruns as {moved}/mlruns" in done.stderr


def test_a_backup_names_its_own_files(moved: Path, say: Say, tmp_path: Path) -> None:
    say("backup", tmp_path / "copy")
    assert say("doctor", "small", "--home", tmp_path / "copy") == (["no differences"], "")
    (tmp_path / "copy").rename(tmp_path / "restored")
    lines, warned = say("doctor", "small", "--home", tmp_path / "restored")
    assert lines == ["no differences"]
    assert f"has moved from {tmp_path / 'copy'};" in warned


def test_a_backup_of_a_home_whose_runs_are_elsewhere_names_its_own_files(
    begin: Begin, fmsearch: Run, images: Path, tmp_path: Path
) -> None:
    (tmp_path / "small.yaml").write_text(GRID)
    runs = ("--tracking-uri", "sqlite:///databases/runs.db")
    data = ("--data", images, "--jobs", 1, "--train-images", 400)
    assert fmsearch("study", "--space", "small.yaml", *data, *runs).returncode == 0
    assert fmsearch("backup", "copy", *runs).returncode == 0
    shutil.rmtree(tmp_path / "mlruns")
    (tmp_path / "copy").rename(tmp_path / "restored")
    assert fmsearch("doctor", "--home", "restored").stdout == "no differences\n"
