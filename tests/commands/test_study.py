"""`fmsearch study`: input that is refused before anything is trained."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from fmsearch.errors import FmsearchError
from fmsearch.models.data import describe
from fmsearch.search.space.load import load_space
from fmsearch.search.storage.storage import open_storage
from fmsearch.search.storage.study_config import StudyConfig
from fmsearch.tracking.registry import check_names

from ..conftest import Run
from .refusal import assert_refused

REFUSED = {
    ("--space", "mlp_gird"): "no space 'mlp_gird' and no file of that name; did you mean mlp_grid?",
    ("--space", "small.yaml", "--data", "none.npz"): "no data set 'none.npz'; --data takes",
    ("--space", "broken.yaml"): "broken.yaml is no YAML",
    ("--space", "wrong.yaml"): "wrong.yaml: model: 'svm' is unknown; it is one of mlp",
    ("--space", "small.yaml", "--sampler", "tpe"): "the space 'small' is a grid, which tries every",
    ("--space", "small.yaml", "--pruner", "none"): "the space 'small' is a grid, which tries every",
    ("--space", "small.yaml", "--reproducible"): "the space 'small' is a grid, which tries every",
    ("--space", "small.yaml", "--enqueue", "nothing"): "every point: it has no --enqueue",
    ("--space", "mlp", "--pruner", "wilcoxon"): "--pruner wilcoxon compares folds, and this space",
    (
        "--space",
        "mlp",
        "--sampler",
        "nsga2",
        "--reproducible",
    ): "--reproducible: nsga2 proposes gen",
    ("--space", "mlp", "--pruner", "asha", "--reproducible"): "--reproducible: asha looks at runni",
    ("--space", "sampler.yaml"): "sampler.yaml: sampler: a grid has none; it belongs to engine",
    ("--space", "small.yaml", "--train-images", "39"): "--train-images 39 is not from 40",
    ("--space", "folds.yaml"): "9999 folds are more than the 1800 training images",
    ("--space", "small.yaml", "--tracking-uri", "nowhere"): "the tracking URI 'nowhere' is neither",
    ("--space", "small.yaml", "--tracking-uri", "file:///a"): "'file:///a' is neither an http(s)",
    ("--space", "small.yaml", "--tracking-uri", "http://"): "'http://' is neither an http(s)",
    ("--space", "small.yaml", "--tracking-uri", "http://[::1"): "'http://[::1' is neither an",
    ("--space", "small.yaml", "--tracking-uri", "http://a:b"): "'http://a:b' is neither an",
    ("--space", "small.yaml", "--tracking-uri", "http://a..b"): "http://a..b cannot be reached",
    ("--space", "small.yaml", "--tracking-uri", "sqlite:////proc/x/m.db"): "--offline",
    ("--space", "small.yaml", "--tracking-uri", "mysql://me:secret@h/d"): "mysql://me:***@h/d",
    (
        "--space",
        "small.yaml",
        "--storage",
        "nonsense",
    ): "the storage nonsense is neither an SQLite file",
    ("--space", "small.yaml", "--home", "wrong.yaml/x"): "wrong.yaml/x: Not a directory",
}


@pytest.mark.parametrize(("arguments", "expected"), REFUSED.items())
def test_bad_input_is_one_line_and_exit_1_and_leaves_no_store(
    fmsearch: Run,
    tmp_path: Path,
    small_grid: Path,
    images: Path,
    arguments: tuple[str, ...],
    expected: str,
) -> None:
    text = small_grid.read_text()
    (tmp_path / "broken.yaml").write_text("a: [")
    (tmp_path / "wrong.yaml").write_text(text.replace("model: mlp", "model: svm"))
    (tmp_path / "sampler.yaml").write_text(f"{text}sampler: tpe\n")
    (tmp_path / "folds.yaml").write_text(text.replace("folds: 3", "folds: 9999"))
    done = fmsearch("study", *arguments, FMSEARCH_DATA=str(images))
    assert_refused(done, expected, tmp_path)


def test_a_network_too_deep_for_the_images_is_one_line(fmsearch: Run, tmp_path: Path) -> None:
    pixels, labels = np.zeros((8, 8, 8), np.uint8), np.arange(8) % 2
    parts = {"x_train": pixels, "y_train": labels, "x_test": pixels, "y_test": labels}
    np.savez(tmp_path / "tiny.npz", **parts)
    done = fmsearch("study", "--space", "cnn", "--data", "tiny.npz")
    expected = (
        "the space 'cnn' does not fit tiny: depth: 4 blocks halve the sides of an image 4 times, "
        "and 8 x 8 pixels allow 3; `fmsearch spaces cnn` prints the space, to copy and change\n"
    )
    assert_refused(done, expected, tmp_path)


def test_a_store_that_is_no_database_is_refused(
    fmsearch: Run, tmp_path: Path, small_grid: Path, images: Path
) -> None:
    for name in ("mlflow.db", "studies.db"):
        home = tmp_path / name.split(".")[0]
        home.mkdir()
        (home / name).write_bytes(b"no database" * 1000)
        done = fmsearch("study", "--space", small_grid, "--data", images, "--home", home)
        assert_refused(done, "file is not a database", tmp_path)
        assert (home / name).read_bytes() == b"no database" * 1000


def test_a_disk_that_takes_no_file_is_refused(small_grid: Path, images: Path) -> None:
    program = Path(sys.executable).with_name("fmsearch")
    done = subprocess.run(
        [program, "study", "--space", "small.yaml", "--data", images],
        cwd=small_grid.parent,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
    )
    assert_refused(done, "mlruns: File too large", small_grid.parent)


def test_a_name_that_belongs_to_another_study_is_refused(
    fmsearch: Run, tmp_path: Path, small_grid: Path, images: Path
) -> None:
    data = describe(str(images))
    (tmp_path / "mlruns").mkdir()
    config = StudyConfig(
        name="small",
        space=load_space(str(small_grid)),
        data=data.spec,
        data_sha256=data.sha256,
        seed=0,
        train_images=None,
    )
    open_storage(f"sqlite:///{tmp_path / 'mlruns' / 'studies.db'}").open_study(config)
    with np.load(images) as arrays:
        np.savez(tmp_path / "other.npz", **{**arrays, "y_test": arrays["y_test"][::-1]})
    other = small_grid.read_text().replace("[1, 2]", "[1]")
    (tmp_path / "other.yaml").write_text(other)
    for change, differing in (
        (("--space", "other.yaml", "--data", images), "another space;"),
        (("--space", small_grid, "--data", "other.npz"), "another data set;"),
        (("--space", small_grid, "--data", images, "--seed", 1), "another seed;"),
    ):
        done = fmsearch("study", *change, "--name", "small")
        assert done.returncode == 1
        expected = f"fmsearch: the study 'small' exists with {differing} give this one a --name"
        assert done.stderr.startswith(expected)


def test_names_that_mlflow_refuses_are_refused_before_training() -> None:
    for name, alias, expected in (
        ("a/b", "champion", "--model 'a/b' must be"),
        ("mine", "latest", "--alias 'latest' is MLflow's own"),
        ("mine", "V1", "--alias 'V1' is MLflow's own"),
    ):
        with pytest.raises(FmsearchError, match=expected):
            check_names(name, alias)
    check_names("fashion-mnist", "champion")


SMALL = """\
name: small
model: mlp
engine: optuna
score: {by: validation}
fixed: {epochs: 2, layers: 1}
parameters:
  hidden_units: {int: [4, 32]}
  optimizer: [adam, sgd]
  momentum: {float: [0.5, 0.9], when: {optimizer: sgd}}
"""
OPTIONS = ("--train-images", 400, "--jobs", 2)


@pytest.fixture
def study(fmsearch, images: Path, tmp_path: Path):  # type: ignore[no-untyped-def]
    """Runs a space, given as text; fails the test if the study does."""

    def run(space: str, *options: object, home: str = "mlruns") -> str:
        path = tmp_path / "space.yaml"
        path.write_text(space)
        arguments = ("--space", path, "--data", images, "--home", tmp_path / home)
        done = fmsearch("study", *arguments, *OPTIONS, *options)
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    return run


REFUSED = {
    ("--reproducible", "--timeout", "5m"): "--reproducible: when a study ends by --timeout, --",
    (
        "--reproducible",
        "--target-score",
        "0.9",
    ): "--reproducible: when a study ends by --timeout, --",
    (
        "--keep-models",
        "best:3",
    ): "--keep-models best:K ranks by the score alone, and this study has",
}


@pytest.mark.parametrize(("options", "line"), REFUSED.items())
def test_options_that_cannot_keep_their_promise_are_refused(  # type: ignore[no-untyped-def]
    fmsearch, images, tmp_path, options, line
) -> None:
    two = "objectives: {score: maximize, parameters: minimize}\n"
    (tmp_path / "space.yaml").write_text(SMALL + (two if "best:3" in options else ""))
    done = fmsearch("study", "--space", "space.yaml", "--data", images, *options)
    assert done.returncode == 1
    assert done.stderr.startswith(f"fmsearch: {line}")
    assert not (tmp_path / "mlruns").exists()


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


def test_a_depth_that_the_images_cannot_bear_is_refused_before_the_study(  # type: ignore[no-untyped-def]
    fmsearch, tmp_path
) -> None:
    data = digits(tmp_path / "digits.npz")
    (tmp_path / "space.yaml").write_text(CNN.replace("[1, 2]", "[1, 4]"))
    done = fmsearch("study", "--space", "space.yaml", "--data", data)
    assert done.returncode == 1
    assert done.stderr == (
        "fmsearch: the space 'any_images' does not fit digits: depth: 4 blocks halve the sides of "
        "an image 4 times, and 8 x 8 pixels allow 3\n"
    )
    assert not (tmp_path / "mlruns").exists()
