"""`fmsearch predict`, `evaluate` and `serve`: models that are registered, and are asked."""

from __future__ import annotations

import csv
import json
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow import MlflowClient
from PIL import Image

from fmsearch.cli import main
from fmsearch.models.families import FAMILIES
from fmsearch.models.fashion_mnist import CLASS_NAMES
from fmsearch.places import Places
from fmsearch.tracking.registry import register_version, set_alias
from fmsearch.tracking.run_record import LoggedModel, RunRecord, Status
from fmsearch.tracking.store import Store

from ..conftest import Begin, WarmProgram

DOCS = Path(__file__).parents[2] / "docs"
Said = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def keras_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network whose weights are as they were drawn."""
    settings = FAMILIES["mlp"].complete({"hidden_units": 4, "layers": 1})
    file = tmp_path_factory.mktemp("network") / "model.keras"
    FAMILIES["mlp"].make((28, 28), 10, settings).save(file)
    return file


@pytest.fixture(scope="module")
def folder(keras_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a store with three models; the first has two versions."""
    folder = tmp_path_factory.mktemp("registered")
    places = Places.of(folder / "mlruns", experiment="mine")
    store = Store(places)
    for place, (name, background) in enumerate(
        (("clothes", "dark"), ("clothes", "bright"), ("numbers", "mixed"), ("former", ""))
    ):
        names = CLASS_NAMES if name == "clothes" else tuple(map(str, range(10)))
        run_id = store.ship(
            RunRecord(
                name=f"run-{place}",
                identity={"fmsearch.role": "final", "place": str(place)},
                status=Status.FINISHED,
                started_at=1,
                ended_at=2,
                model=LoggedModel(
                    keras_file, names, 1, np.zeros((1, 28, 28), np.uint8), background
                ),
            )
        )
        version = register_version(store, name, run_id, tags={})
        set_alias(store, name, version, "champion" if version == "1" else "challenger")
    return folder


@pytest.fixture
def said(folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Said:
    """Runs a command in this process, in the folder; its exit code and what it says."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.chdir(folder)
        with pytest.raises(SystemExit) as ended:
            main([*map(str, arguments), "--experiment", "mine"])
        out, error = capfd.readouterr()
        return int(ended.value.code or 0), out, error

    return run


@pytest.fixture(scope="module")
def answers(keras_file: Path, images: Path) -> Any:
    import keras

    pixels = np.load(images)["x_test"]
    return keras.saving.load_model(keras_file).predict(pixels, verbose=0)


def test_a_model_is_evaluated_on_test_images_and_a_run_says_so(  # type: ignore[no-untyped-def]
    said, folder, images, answers
) -> None:
    labels = np.load(images)["y_test"]
    code, out, error = said("evaluate", "clothes/2", "--data", images, "--json")
    assert (code, error) == (0, "")
    facts = json.loads(out)
    right = answers.argmax(axis=1) == labels
    assert facts["accuracy"] == pytest.approx(right.mean())
    assert facts["interval"][0] < facts["accuracy"] < facts["interval"][1]
    losses = -np.log(answers[np.arange(len(labels)), labels])
    assert facts["loss"] == pytest.approx(losses.mean(), rel=1e-5)
    assert [one["class"] for one in facts["classes"]] == list(CLASS_NAMES)
    client = MlflowClient(f"sqlite:///{folder / 'mlruns' / 'mlflow.db'}")
    run = client.get_run(facts["run_id"])
    assert run.data.metrics["test_accuracy"] == facts["accuracy"]
    assert run.data.metrics["test_accuracy_low"] == facts["interval"][0]
    assert run.data.tags["fmsearch.evaluated"] == "clothes/2"
    assert client.get_experiment(run.info.experiment_id).name == "mine"
    files = {one.path for one in client.list_artifacts(run.info.run_id, "figures")}
    assert files == {"figures/confusion_matrix.png"}
    model_id = client.get_model_version("clothes", "2").source.removeprefix("models:/")
    assert [one.model_id for one in run.inputs.model_inputs] == [model_id]
    measured = {one.key: one.value for one in client.get_logged_model(model_id).metrics}
    assert measured["test_accuracy"] == facts["accuracy"]

    _, out, _ = said("evaluate", "clothes@challenger", "--data", images)
    assert out.startswith("clothes version 2 on fashion: 600 test images\naccuracy 0.")
    assert facts["run_id"] in out  # the same version on the same data is the same run
    _, out, _ = said("evaluate", "clothes/2", "--data", images, "--csv")
    rows = list(csv.DictReader(out.splitlines()))
    assert [row["class"] for row in rows] == list(CLASS_NAMES)
    assert sum(int(row["images"]) for row in rows) == 600


REFUSED = {
    (
        "evaluate",
        "none",
    ): "there is no registered model 'none'; there are: clothes, former, numbers",
    ("evaluate",): "say which model; there are: clothes, former, numbers",
    ("evaluate", "clothes@"): "'clothes@' names no model; write NAME, NAME@ALIAS or NAME/VERSION",
    ("evaluate", "clothes/9"): "the model 'clothes' has no version 9; see it in `fmsearch ui`",
    ("evaluate", "clothes", "--data", "small.npz"): (
        "clothes version 1 takes images of 28 x 28; those of small are 8 x 8"
    ),
    ("evaluate", "clothes", "--data", "few.npz"): (
        "clothes version 1 tells 10 classes apart; few has 2"
    ),
    ("evaluate", "clothes", "--data", "others.npz"): (
        "class 0 of clothes version 1 is 'T-shirt/top', of others 'a'"
    ),
    ("serve", "numbers@best"): "the model 'numbers' has no alias 'best'; it has: champion",
    ("predict", "huge.png", "--model", "clothes"): (
        "huge.png has 10000 x 10000 pixels; at most 50,000,000 are read"
    ),
}


@pytest.mark.parametrize("arguments", REFUSED, ids=" ".join)
def test_what_cannot_be_asked_is_one_line(arguments, said, folder, images) -> None:  # type: ignore[no-untyped-def]
    for name, size, names in (("small", 8, 10), ("few", 28, 2), ("others", 28, 10)):
        labels = np.repeat(np.arange(names), 4)
        pixels = np.zeros((len(labels), size, size), np.uint8)
        classes = {"class_names": list("abcdefghij")} if name == "others" else {}
        parts = {"x_train": pixels, "y_train": labels, "x_test": pixels, "y_test": labels}
        np.savez(folder / f"{name}.npz", **parts, **classes)
    Image.new("1", (10_000, 10_000)).save(folder / "huge.png")
    data = () if "--data" in arguments or arguments[0] != "evaluate" else ("--data", images)
    code, _, error = said(*arguments, *data)
    assert (code, error) == (1, f"fmsearch: {REFUSED[arguments]}\n")


def test_a_picture_that_is_the_other_way_round_is_inverted(said, folder) -> None:  # type: ignore[no-untyped-def]
    pixels = np.zeros((28, 28), np.uint8)
    pixels[9:20, 9:20] = 200
    Image.fromarray(pixels).save(folder / "dark.png")
    Image.fromarray(255 - pixels).save(folder / "bright.png")

    def inverted(model: str, *options: str) -> tuple[list[bool], str]:
        files = ("dark.png", "bright.png")
        _, out, error = said("predict", *files, "--model", model, "--json", *options)
        return [one["inverted"] for one in json.loads(out)], error

    assert inverted("clothes/1") == ([False, True], "")
    assert inverted("clothes/2") == ([True, False], "")
    assert inverted("clothes/1", "--no-invert") == ([False, False], "")
    for model, why in (("numbers", "were of both kinds"), ("former", "are not on record")):
        turned, error = inverted(model)
        assert turned == [False, False]
        assert error.count("\n") == 1
        assert f"the borders of its training images {why}" in error
        assert inverted(model, "--invert") == ([True, True], "")


def test_the_guides_lines_ask_a_model_that_is_served(  # type: ignore[no-untyped-def]
    begin: Begin, folder, images, answers, tmp_path
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    store = ("--home", folder / "mlruns", "--experiment", "mine")
    served = begin("serve", "clothes", "--port", port, *store)
    address = f"http://127.0.0.1:{port}/invocations"
    expected = f"clothes version 1 answers at {address}  (Ctrl-C ends it)\n"
    assert served.stdout.readline() == expected
    Image.fromarray(np.load(images)["x_test"][0]).save(tmp_path / "boot.png")
    lines = (DOCS / "guide.md").read_text().split("## 5. Serve\n")[1].split("```sh\n")[2]
    lines = lines.split("```")[0].replace("http://127.0.0.1:5001/invocations", address)
    path = f"PATH={Path(sys.executable).parent}:$PATH\n"
    done = subprocess.run(
        ["bash", "-c", path + lines], cwd=tmp_path, capture_output=True, text=True
    )
    (row,) = json.loads(done.stdout)["predictions"]
    assert row["class"] == CLASS_NAMES[answers[0].argmax()]
    assert row["probability"] == pytest.approx(answers[0].max(), abs=1e-5)
    again = begin("serve", "clothes", "--port", port, *store)
    assert again.wait(60) == 1
    assert again.stderr.read().startswith(f"fmsearch: port {port} is taken (Address already in")
    served.send_signal(2)
    assert served.wait(60) == 0
    assert served.stdout.read() + served.stderr.read() == ""


def test_models_are_offered_with_their_aliases(warm_program: WarmProgram, folder: Path) -> None:
    def offered(line: str) -> list[str]:
        words = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
        done = warm_program.run(folder, _FMSEARCH_COMPLETE="bash_complete", **words)
        return [one.partition(",")[2] for one in done.stdout.split()]

    for command in ("evaluate", "serve", "predict --model"):
        assert offered(f"fmsearch {command} clo") == [
            "clothes", "clothes@challenger", "clothes@champion",
        ]  # fmt: skip
    assert offered("fmsearch serve --home elsewhere ") == []
