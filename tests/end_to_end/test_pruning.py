"""Trials that are pruned, and studies that come out the same every time."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from fmsearch.search.trial import State

from ..conftest import Run, WarmProgram
from .records import artifacts, run_of, stored, table, trials

PRUNED = """\
name: pruned
model: mlp
engine: optuna
sampler: random
pruner: median
score: {by: validation}
fixed: {epochs: 6, layers: 1, hidden_units: 16, optimizer: sgd}
parameters: {learning_rate: {float: [1e-6, 0.1], log: true}}
published: [{learning_rate: 0.1}, {learning_rate: 0.09}, {learning_rate: 0.08},
  {learning_rate: 0.07}, {learning_rate: 0.06}, {learning_rate: 0.000001}]
"""
OPTIONS = ("--train-images", 400, "--jobs", 1, "--trials", 6)


@pytest.fixture(scope="module")
def pruned(
    tmp_path_factory: pytest.TempPathFactory, warm_program: WarmProgram, images: Path
) -> Path:
    """The home of a finished study, in MLflow, whose last trial was pruned."""
    folder = tmp_path_factory.mktemp("pruned")
    (folder / "space.yaml").write_text(PRUNED)
    done = warm_program.run(folder, "study", "--space", "space.yaml", "--data", images, *OPTIONS)
    assert done.returncode == 0, done.stderr
    return folder / "mlruns"


def test_a_pruned_trial_is_logged_with_its_curve_its_last_confusion_matrix_and_the_reason(
    pruned: Path,
) -> None:
    last = trials(pruned, "pruned")[5]
    assert last.state is State.PRUNED
    assert last.reason.startswith("median pruner, at 0.")
    assert last.reason.endswith("after epoch 2")  # the first that the median pruner judges
    run = run_of(pruned, "pruned-0005")
    assert run.info.status == "KILLED"
    assert run.data.tags["fmsearch.state"] == "pruned"
    assert run.data.tags["fmsearch.pruned"] == last.reason
    assert artifacts(pruned, run, "figures") == ["confusion_matrix.png", "learning_curves.png"]
    assert "confusion_matrix.json" in artifacts(pruned, run, "")
    assert not (run.outputs and run.outputs.model_outputs)
    assert "score" not in run.data.metrics


def test_the_storage_has_a_pruned_trials_scores_and_optuna_knows_them(pruned: Path) -> None:
    frozen = stored(pruned, "pruned").frozen()
    assert sorted(frozen[0].intermediate_values) == [1, 2, 3, 4, 5, 6]
    assert sorted(frozen[5].intermediate_values) == [1, 2]


DIES_WITH_A_DECISION = """\
import os, signal
from fmsearch.search.trainers.pool import TrainerPool

judge = TrainerPool.judge

def die(trainers, index, verdict):
    if verdict.prune:
        os.kill(os.getpid(), signal.SIGKILL)
    judge(trainers, index, verdict)

TrainerPool.judge = die
"""


def test_what_a_pruner_has_decided_holds_though_its_coordinator_died_before_it_acted(
    pruned: Path, fmsearch: Run, images: Path, tmp_path: Path
) -> None:
    (tmp_path / "space.yaml").write_text(PRUNED)
    command = ("study", "--space", "space.yaml", "--data", images, *OPTIONS, "--offline")
    killed = fmsearch(*command, first=DIES_WITH_A_DECISION)
    assert killed.returncode == -signal.SIGKILL
    home = tmp_path / "mlruns"
    assert trials(home, "pruned")[5].state is State.RUNNING
    decision = stored(home, "pruned").decision(5)
    assert decision is not None
    assert decision.step == 2
    assert fmsearch(*command).returncode == 0
    assert trials(home, "pruned")[5].reason == decision.reason
    assert table(home, "pruned") == table(pruned, "pruned")


REPRODUCIBLE = ("--trials", 9, "--jobs", 2, "--reproducible", "--offline")


def test_a_reproducible_study_comes_out_the_same_every_time(  # type: ignore[no-untyped-def]
    study, fmsearch, images, tmp_path
) -> None:
    # Trial 6 is the first that may see 5 finished ones, which the median wants.
    space = PRUNED.replace("0.06}", "0.06}, {learning_rate: 0.05}")
    space = space.replace("sampler: random", "sampler: tpe").replace("epochs: 6", "epochs: 4")
    study(space, *REPRODUCIBLE, home="one")
    study(space, *REPRODUCIBLE, home="two")
    study(space, *REPRODUCIBLE, "--trials", 3, home="three")
    study(space, *REPRODUCIBLE, "--jobs", 1, home="three")  # the lag of 2 is the study's own
    tables = [table(tmp_path / home, "pruned") for home in ("one", "two", "three")]
    assert len(tables[0]) == 9
    assert tables[0][6][1] is State.PRUNED
    assert tables[0] == tables[1] == tables[2]
    assert stored(tmp_path / "one", "pruned").config.lag == 2
    more = fmsearch(
        "study", "--space", "space.yaml", "--data", images, "--train-images", 400, "--home", "one",
        *REPRODUCIBLE, "--jobs", 3,
    )  # fmt: skip
    assert more.returncode == 1
    assert more.stderr.endswith("which its results depend on; go on with --jobs 2 or fewer\n")


ACROSS_FOLDS = (
    PRUNED.replace("epochs: 6", "epochs: 2")
    .replace("pruner: median\n", "")
    .replace("{by: validation}", "{by: cross_validation, folds: 3}")
)


def test_cross_validated_trials_go_after_a_bad_fold(study, tmp_path) -> None:  # type: ignore[no-untyped-def]
    study(ACROSS_FOLDS, "--trials", 6, "--jobs", 1, "--offline")
    last = trials(tmp_path / "mlruns", "pruned")[5]
    assert last.state is State.PRUNED
    assert last.reason.startswith("median pruner, at 0.")
    assert last.reason.endswith("after fold 1")


def test_a_study_that_began_before_folds_were_judged_goes_on_without(  # type: ignore[no-untyped-def]
    study, fmsearch, images, tmp_path
) -> None:
    options = ("--data", images, "--train-images", 400, "--jobs", 1, "--offline")
    study(ACROSS_FOLDS, "--trials", 1, "--offline", "--pruner", "none")
    done = fmsearch("study", "--space", "space.yaml", *options, "--trials", 6)
    assert "pruned began without a pruner, and goes on without\n" in done.stderr
    assert trials(tmp_path / "mlruns", "pruned")[5].state is State.COMPLETE
