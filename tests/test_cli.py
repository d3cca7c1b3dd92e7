"""The commands: what they say of themselves, and of bad input."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

from fmsearch.commands.options import Duration, KeepModels
from fmsearch.errors import FmsearchError
from fmsearch.places import Places
from fmsearch.tracking.store import Store

Run = Callable[..., "subprocess.CompletedProcess[str]"]

HELP = """\
Usage: fmsearch [OPTIONS] COMMAND [ARGS]...

  Search hyperparameters of Keras image classifiers and keep the evidence in
  MLflow.

  The three steps:
    fmsearch study --space mlp_grid       search, every trial in MLflow
    fmsearch ui                           browse
    fmsearch register --study mlp_grid    train the best on all images, register it

Options:
  --version      Show the version and exit.
  -v, --verbose  Say more about what is being done.
  -h, --help     Show this message and exit.

Commands:
  data       Show a data set: where it is from, its hash, its classes.
  doctor     Compare storage, outbox and MLflow; one line for each...
  register   Train the best trial's parameters on all training images and...
  replay     Train a run again from what it records and compare every...
  reproduce  Do the published experiments again and hold the results...
  spaces     List the search spaces, or print one as YAML, to copy and edit.
  status     List the studies, or one study's trials: states, scores,...
  study      Run a study to its end, or go on with one that was interrupted.
  sync       Ship to MLflow what waits in the outbox.
  ui         Open MLflow's UI on the store in use; Ctrl-C ends it.
  worker     Join a study from any machine, and work on it until it is...
"""


def test_help_teaches_the_three_steps(fmsearch: Run) -> None:
    assert fmsearch("--help", COLUMNS="80").stdout.splitlines() == HELP.splitlines()


@pytest.mark.parametrize(
    "command",
    [
        "data",
        "doctor",
        "register",
        "replay",
        "reproduce",
        "spaces",
        "status",
        "study",
        "sync",
        "ui",
        "worker",
    ],
)
def test_every_option_has_a_help_text(fmsearch: Run, command: str) -> None:
    from fmsearch.cli import main

    for parameter in main.commands[command].params:
        assert parameter.param_type_name == "argument" or getattr(parameter, "help", "")
    assert fmsearch(command, "--help").returncode == 0


def test_help_loads_no_heavy_library() -> None:
    heavy = ["tensorflow", "keras", "mlflow", "optuna", "keras_tuner", "matplotlib", "numpy"]
    code = (
        "import sys\nfrom fmsearch.cli import main\n"
        "try:\n    main(['study', '--help'])\n"
        f"finally:\n    print([name for name in {heavy} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def test_spaces_are_listed_and_printed_as_they_can_be_used(fmsearch: Run, tmp_path: Path) -> None:
    listed = fmsearch("spaces").stdout
    assert listed.startswith("cnn  (continuous, cnn, optuna)\n    Convolutional networks")
    assert "\nmlp_grid  (32 points, mlp, keras_tuner)\n    The published grid" in listed
    text = fmsearch("spaces", "mlp_grid_2").stdout
    (tmp_path / "copy.yaml").write_text(text)
    assert fmsearch("spaces", "copy.yaml").stdout == text


@pytest.mark.parametrize("command", ["status", "doctor"])
def test_before_the_first_study_a_command_says_so(
    fmsearch: Run, tmp_path: Path, command: str
) -> None:
    done = fmsearch(command)
    assert done.stdout == f"no studies in {tmp_path / 'mlruns'} yet\n"
    assert not (tmp_path / "mlruns").exists()


def test_data_shows_classes_and_hash(fmsearch: Run, images: Path) -> None:
    lines = fmsearch("data", "--data", images).stdout.splitlines()
    assert lines[0] == "name:     fashion"
    assert lines[1] == f"from:     {images}"
    assert lines[3:6] == [
        "images:   28 x 28, uint8",
        "class              train    test",
        "T-shirt/top          240      60",
    ]
    assert lines[-1] == "all                2,400     600"


@pytest.fixture(scope="module")
def answering() -> Iterator[Callable[[int], str]]:
    """Starts servers that answer everything with one status code; gives their addresses."""
    servers = []

    def start(code: int) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(code)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def assert_refused(
    done: subprocess.CompletedProcess[str], expected: str, folder: Path, code: int = 1
) -> None:
    """One line that holds `expected`, the exit code, and no store."""
    assert expected in done.stderr
    assert done.stderr.startswith("fmsearch: ")
    assert done.stderr.count("\n") == 1
    assert done.returncode == code
    assert not list(folder.glob("mlruns/*.db"))


USAGE = {
    ("study",): "Missing option '--space'",
    ("study", "--space", "mlp_grid", "--jobs", "0"): "0 is not in the range x>=1",
    ("study", "--space", "mlp_grid", "--jobs", "two"): "'two' is not a valid integer range",
    ("study", "--space", "mlp_grid", "--train-images", "-1"): "-1 is not in the range x>=1",
    ("study", "--space", "mlp_grid", "--name", "a/b"): "'a/b' must be 1 to 64 letters",
    ("study", "--space", "mlp_grid", "--name", ".."): "'..' must be 1 to 64 letters",
    ("study", "--space", "none", "--timeout", "soon"): "'soon' is no time like 90s, 20m or 2h",
    ("study", "--space", "none", "--timeout", "-3"): "'-3' is no time like 90s, 20m or 2h",
    ("study", "--space", "none", "--timeout", "1d"): "'1d' is no time like 90s, 20m or 2h",
    ("study", "--space", "none", "--checkpoint-every", "m"): "'m' is no time like 90s, 20m or 2h",
    (
        "study",
        "--space",
        "cnn",
        "--keep-models",
        "best",
    ): "'best' is not all, best:K (like best:10)",
    ("study", "--space", "none", "--keep-models", "best:0"): "'best:0' is not all, best:K",
    (
        "study",
        "--space",
        "cnn",
        "--keep-models",
        "3",
    ): "'3' is not all, best:K (like best:10) or none",
    (
        "study",
        "--space",
        "cnn",
        "--sampler",
        "luck",
    ): "'luck' is not one of 'tpe', 'random', 'nsga2'",
    (
        "study",
        "--space",
        "cnn",
        "--pruner",
        "luck",
    ): "'luck' is not one of 'median', 'asha', 'hyper",
    ("study", "--space", "none", "--enqueue", "all"): "'all' is not one of 'published', 'nothing'",
    ("study", "--space", "none", "--trials", "0"): "0 is not in the range x>=1",
    ("study", "--space", "none", "--target-score", "2"): "2.0 is not in the range 0<=x<=1",
    (
        "study",
        "--spaces",
        "mlp_grid",
    ): "No such option '--spaces'. (Did you mean one of: '--space', ",
    ("status", "--watch"): "--watch wants the name of a study",
    ("status", "--all"): "--all wants the name of a study",
    ("status", "small", "--watch", "--all"): "leave --all out",
    ("studdy",): "No such command 'studdy'",
    ("ui", "--port", "0"): "0 is not in the range 1<=x<=65535",
    ("register",): "Missing option '--study'",
    ("register", "--study", "a", "--epochs", "0"): "0 is not in the range 1<=x<=1000000",
    ("--nonsense",): "No such option '--nonsense'",
}


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("90", 90), ("90s", 90), ("20m", 1200), ("2h", 7200), ("1.5h", 5400), (" 0 ", 0), (3.0, 3)],
)
def test_a_time_is_seconds_minutes_or_hours(written: str | float, seconds: float) -> None:
    assert Duration().convert(written, None, None) == seconds


@pytest.mark.parametrize(
    ("written", "models"), [("all", None), ("none", 0), ("best:1", 1), ("best:10", 10), (0, 0)]
)
def test_models_are_kept_of_all_of_the_best_or_of_no_trials(
    written: str | int, models: int | None
) -> None:
    assert KeepModels().convert(written, None, None) == models


@pytest.mark.parametrize(("arguments", "expected"), USAGE.items())
def test_wrong_usage_is_one_line_and_exit_2(
    fmsearch: Run, tmp_path: Path, arguments: tuple[str, ...], expected: str
) -> None:
    assert_refused(fmsearch(*arguments), expected, tmp_path, code=2)


def test_a_target_that_is_no_number_is_wrong_usage(fmsearch: Run, tmp_path: Path) -> None:
    done = fmsearch("study", "--space", "none", "--target-score", "nan")
    assert_refused(done, "nan", tmp_path, code=2)


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


@pytest.mark.parametrize("code", [401, 403, 404, 500])
def test_a_server_that_refuses_is_one_line_that_names_offline(
    fmsearch: Run,
    tmp_path: Path,
    small_grid: Path,
    images: Path,
    answering: Callable[[int], str],
    code: int,
) -> None:
    uri = answering(code)
    done = fmsearch("study", "--space", small_grid, "--data", images, MLFLOW_TRACKING_URI=uri)
    assert_refused(done, f"(HTTP {code})", tmp_path)
    assert "--offline" in done.stderr
    assert ("refuses the credentials" in done.stderr) == (code in (401, 403))


def test_a_server_that_is_not_there_is_one_line_that_names_offline(
    fmsearch: Run, tmp_path: Path, small_grid: Path, images: Path
) -> None:
    uri = "http://me:secret@127.0.0.1:9"  # the discard port, where nothing listens
    done = fmsearch("study", "--space", small_grid, "--data", images, MLFLOW_TRACKING_URI=uri)
    assert_refused(done, "cannot be reached", tmp_path)
    assert "--offline" in done.stderr
    assert "secret" not in done.stderr


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
    from fmsearch.models.data import describe
    from fmsearch.search.space.load import load_space
    from fmsearch.search.storage.storage import open_storage
    from fmsearch.search.storage.study_config import StudyConfig

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
    from fmsearch.tracking.registry import check_names

    for name, alias, expected in (
        ("a/b", "champion", "--model 'a/b' must be"),
        ("mine", "latest", "--alias 'latest' is MLflow's own"),
        ("mine", "V1", "--alias 'V1' is MLflow's own"),
    ):
        with pytest.raises(FmsearchError, match=expected):
            check_names(name, alias)
    check_names("fashion-mnist", "champion")


def test_no_command_shows_the_help(fmsearch: Run) -> None:
    done = fmsearch(COLUMNS="80")
    assert done.stderr.splitlines() == HELP.splitlines()
    assert done.returncode == 2


@pytest.mark.parametrize(
    "arguments", [("status", "mine"), ("doctor", "mine"), ("register", "--study", "mine")]
)
def test_a_study_that_is_not_there_is_one_line(
    fmsearch: Run, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    assert_refused(fmsearch(*arguments), "no study 'mine'", tmp_path)


def test_the_ui_without_a_store_is_one_line(fmsearch: Run, tmp_path: Path) -> None:
    assert_refused(fmsearch("ui"), "run `fmsearch study` first", tmp_path)


def test_the_ui_answers_on_loopback_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    Store(Places.of(tmp_path / "mlruns"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = Path(sys.executable).with_name("fmsearch")
    ui = subprocess.Popen(
        [program, "ui", "--port", str(port)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        assert ui.stdout is not None
        expected = f"MLflow's UI: http://127.0.0.1:{port}  (Ctrl-C ends it)\n"
        assert ui.stdout.readline() == expected
        deadline = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                    assert b"MLflow" in answer.read()
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.2)
    finally:
        os.killpg(ui.pid, signal.SIGINT)
        ui.wait(30)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1).close()


def test_a_taken_port_is_one_line(fmsearch: Run, tmp_path: Path) -> None:
    Store(Places.of(tmp_path / "mlruns"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = fmsearch("ui", "--port", port)
    assert done.returncode == 1
    expected = f"fmsearch: port {port} is taken (Address already in use); choose another one"
    assert done.stderr.startswith(expected)
