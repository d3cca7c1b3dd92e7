"""Images of one's own: other sizes, channels and numbers of classes."""

from __future__ import annotations

import json
import re
import runpy
import shlex
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from PIL import Image
from sklearn.datasets import load_digits

from fmsearch.search.trial import State

from .records import trials


def save(path: Path, pixels: np.ndarray, labels: np.ndarray) -> Path:
    """A data set whose last fifth is for testing."""
    cut = len(labels) * 4 // 5
    pixels = pixels.astype(np.uint8)
    np.savez(
        path,
        x_train=pixels[:cut],
        y_train=labels[:cut],
        x_test=pixels[cut:],
        y_test=labels[cut:],
    )
    return path


def digits(path: Path) -> Path:
    found = load_digits()
    return save(path, found.images * 15, found.target)


def coloured_letters(path: Path) -> Path:
    """26 classes of 32 x 32 x 3 images: each a patch at a place and of a colour of its own."""
    draws = np.random.default_rng(0)
    labels = np.arange(26 * 20) % 26
    pixels = draws.integers(0, 60, (len(labels), 32, 32, 3))
    for image, label in zip(pixels, labels, strict=True):
        y, x = 5 * (label // 6), 5 * (label % 6)
        image[y : y + 5, x : x + 5, label % 3] += 150
    return save(path, pixels, labels)


CNN = """\
name: any_images
model: cnn
engine: optuna
score: {by: validation}
fixed: {epochs: 10, batch_norm: each, learning_rate: 0.01, dense_units: 32, batch_size: 16}
parameters:
  depth: {int: [1, 2]}
  filters_1: [8, 12]
  filters_2: {choices: [16, 24], when: {depth: 2}}
"""


@pytest.mark.parametrize(("make", "least"), [(digits, 0.6), (coloured_letters, 0.5)])
def test_other_image_sizes_channels_and_class_counts_work(  # type: ignore[no-untyped-def]
    fmsearch, tmp_path, make, least
) -> None:
    data = make(tmp_path / "mine.npz")
    (tmp_path / "space.yaml").write_text(CNN)
    done = fmsearch("study", "--space", "space.yaml", "--data", data, "--trials", 2, "--jobs", 1)
    assert done.returncode == 0, done.stderr
    best = max(trial.score or 0 for trial in trials(tmp_path / "mlruns", "any_images"))
    assert best > least  # guessing has 0.1 and 0.04
    done = fmsearch("register", "--study", "any_images")
    assert done.returncode == 0, done.stderr


def test_a_built_in_space_works_on_other_images(fmsearch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    data = coloured_letters(tmp_path / "mine.npz")
    options = ("--trials", 2, "--jobs", 1, "--offline")
    done = fmsearch("study", "--space", "cnn", "--data", data, *options)
    assert done.returncode == 0, done.stderr
    found = trials(tmp_path / "mlruns", "cnn")
    assert [one.state for one in found] == [State.COMPLETE] * 2
    assert [one.parameters["depth"] for one in found] == [3, 4]  # the published cnn_3 and cnn_4


ROOT = Path(__file__).parents[2]


def test_the_lines_of_the_readme_lead_from_a_folder_of_pictures_to_an_answer(  # type: ignore[no-untyped-def]
    fmsearch, tmp_path
) -> None:
    (lines,) = re.findall(
        "^pip install .\n((?:fmsearch .*\n)+)", (ROOT / "README.md").read_text(), re.M
    )
    search, register, predict = (
        shlex.split(line, comments=True)[1:] for line in lines.splitlines()
    )
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "pictures").symlink_to(ROOT / "examples" / "pictures")
    cache = str(tmp_path / "cache")
    done = fmsearch(*search, "--jobs", 1, FMSEARCH_CACHE=cache)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("pictures: 200 pictures became grey images of 28 x 28")
    found = trials(tmp_path / "mlruns", "pictures")
    assert max(trial.score or 0 for trial in found) > 0.4  # guessing has 0.1
    client = MlflowClient(f"sqlite:///{tmp_path}/mlruns/mlflow.db")
    (study,) = client.search_runs(["1"], "tags.`fmsearch.role` = 'study'")
    (data,) = study.inputs.dataset_inputs
    assert data.dataset.source == str(ROOT / "examples" / "pictures")
    conversions = json.loads(data.dataset.profile)["conversions"]
    assert conversions[0] in done.stdout
    assert len(conversions) == 2
    assert fmsearch(*register, FMSEARCH_CACHE=cache).returncode == 0
    answer, probability, picture = fmsearch(*predict).stdout.split()
    assert f"/{answer}/" in picture
    assert 0.1 < float(probability) <= 1


def test_the_pictures_of_the_examples_are_those_of_their_script(tmp_path) -> None:  # type: ignore[no-untyped-def]
    script = runpy.run_path(str(ROOT / "examples" / "make_pictures.py"))
    script["main"](tmp_path)
    made, kept = tmp_path, ROOT / "examples" / "pictures"
    files = sorted(path.relative_to(kept) for path in kept.rglob("*.png"))
    assert len(files) == 200
    assert sorted(path.relative_to(made) for path in made.rglob("*.png")) == files
    for file in files:
        assert np.array_equal(Image.open(made / file), Image.open(kept / file))
