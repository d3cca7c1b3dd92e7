"""The commands: what they say of themselves."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from fmsearch.cli import main

from ..conftest import Run

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
  backup     Copy the store into a new FOLDER: databases, outbox and...
  dashboard  Open Optuna's dashboard on the studies; Ctrl-C ends it.
  data       Show a data set: where it is from, its hash, its classes.
  doctor     Compare storage, outbox and MLflow; one line for each...
  env        Print variables that tell a shell where the store is.
  evaluate   Test a registered model on the test images of a data set.
  predict    Say what a registered model sees in PICTURES.
  register   Train the best trial's parameters on all training images and...
  replay     Train a run again from what it records and compare every...
  reproduce  Do the published experiments again and hold the results...
  serve      Let a registered model answer over HTTP, on this machine;...
  spaces     List the search spaces, or print one as YAML, to copy and edit.
  status     List the studies, or one study's trials: states, scores,...
  studies    List the studies, as `fmsearch status` does; rename, export...
  study      Run a study to its end, or go on with one that was interrupted.
  sync       Ship to MLflow what waits in the outbox.
  ui         Open MLflow's UI on a study's trials; Ctrl-C ends it.
  worker     Join a study from any machine, and work on it until it is...
"""


def test_help_teaches_the_three_steps(fmsearch: Run) -> None:
    assert fmsearch("--help", COLUMNS="80").stdout.splitlines() == HELP.splitlines()


@pytest.mark.parametrize(
    "command",
    [
        "dashboard",
        "data",
        "doctor",
        "env",
        "evaluate",
        "predict",
        "register",
        "replay",
        "reproduce",
        "serve",
        "spaces",
        "status",
        "studies",
        "study",
        "sync",
        "ui",
        "worker",
    ],
)
def test_every_option_has_a_help_text(fmsearch: Run, command: str) -> None:
    named = main.commands[command]
    below = list(named.commands.values()) if isinstance(named, click.Group) else []
    for parameter in (one for each in (named, *below) for one in each.params):
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


def test_no_command_shows_the_help(fmsearch: Run) -> None:
    done = fmsearch(COLUMNS="80")
    assert done.stderr.splitlines() == HELP.splitlines()
    assert done.returncode == 2
