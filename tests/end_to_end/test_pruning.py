"""Trials that are pruned, and studies that come out the same every time."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from fmsearch.search.ledger import Ledger
from fmsearch.search.study_ledger import StudyLedger
from fmsearch.search.trial import State, Trial, best_trial

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


def ledger(home: Path, name: str) -> StudyLedger:
    return Ledger(f"sqlite:///{home / 'studies.db'}").study(name)


def trials(home: Path, name: str) -> list[Trial]:
    """All of them; what is found of them by queries of its own is the same."""
    found = ledger(home, name)
    every = found.trials()
    assert found.best() == best_trial(every)
    assert found.counts() == Counter(trial.state for trial in every)
    return every


def table(home: Path, name: str) -> list[tuple[object, ...]]:
    """What must come out the same, to the last bit."""
    return [
        (t.number, t.state, dict(t.parameters), repr(t.score), t.duplicate_of)
        for t in trials(home, name)
    ]


def runs(home: Path, role: str = "trial") -> dict[str, Run]:
    """The store's runs of a role, by name."""
    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("fmsearch")
    assert experiment is not None
    found = client.search_runs([experiment.experiment_id], f"tags.`fmsearch.role` = '{role}'")
    return {run.info.run_name: run for run in found}


def artifacts(home: Path, run: Run, folder: str) -> list[str]:
    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    return sorted(Path(one.path).name for one in client.list_artifacts(run.info.run_id, folder))


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
  {learning_rate: 0.07}, {learning_rate: 0.06}, {learning_rate: 1e-6}]
"""


def test_a_pruned_trial_is_logged_with_its_curve_its_last_confusion_matrix_and_the_reason(  # type: ignore[no-untyped-def]
    study, tmp_path
) -> None:
    space = PRUNED.replace("1e-6}]", "0.000001}]")
    study(space, "--trials", 6, "--jobs", 1)
    home = tmp_path / "mlruns"
    last = trials(home, "pruned")[5]
    assert last.state is State.PRUNED
    assert last.reason.startswith("median pruner, at 0.")
    assert last.reason.endswith("after epoch 2")  # the first that the median pruner judges
    run = runs(home)["pruned-0005"]
    assert run.info.status == "KILLED"
    assert run.data.tags["fmsearch.state"] == "pruned"
    assert run.data.tags["fmsearch.pruned"] == last.reason
    assert artifacts(home, run, "figures") == ["confusion_matrix.png", "learning_curves.png"]
    assert "confusion_matrix.json" in artifacts(home, run, "")
    assert not (run.outputs and run.outputs.model_outputs)
    assert "score" not in run.data.metrics


DIES_WITH_A_DECISION = """\
import os, signal
from fmsearch.cli import main
from fmsearch.search.trainers import Trainers

judge = Trainers.judge

def die(trainers, index, verdict):
    if verdict.prune:
        os.kill(os.getpid(), signal.SIGKILL)
    judge(trainers, index, verdict)

Trainers.judge = die
main()
"""


def test_what_a_pruner_has_decided_holds_though_its_coordinator_died_before_it_acted(  # type: ignore[no-untyped-def]
    study, images, tmp_path
) -> None:
    space = PRUNED.replace("1e-6}]", "0.000001}]")
    options = ("--trials", 6, "--jobs", 1, "--offline")
    study(space, *options, home="undisturbed")
    killed = subprocess.run(
        [
            sys.executable, "-c", DIES_WITH_A_DECISION, "study", "--space", "space.yaml", "--data",
            images, "--home", "killed", "--train-images", "400", *map(str, options),
        ],
        cwd=tmp_path,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL
    assert trials(tmp_path / "killed", "pruned")[5].state is State.RUNNING
    decision = ledger(tmp_path / "killed", "pruned").decision(5)
    assert decision is not None
    assert decision.step == 2
    study(space, *options, home="killed")
    assert trials(tmp_path / "killed", "pruned")[5].reason == decision.reason
    assert table(tmp_path / "killed", "pruned") == table(tmp_path / "undisturbed", "pruned")


def test_the_ledger_has_a_pruned_trials_scores_and_optuna_knows_them(study, tmp_path) -> None:  # type: ignore[no-untyped-def]
    study(PRUNED.replace("1e-6}]", "0.000001}]"), "--trials", 6, "--jobs", 1, "--offline")
    frozen = ledger(tmp_path / "mlruns", "pruned").frozen()
    assert sorted(frozen[0].intermediate_values) == [1, 2, 3, 4, 5, 6]
    assert sorted(frozen[5].intermediate_values) == [1, 2]


REPRODUCIBLE = ("--trials", 9, "--reproducible", "--offline")


def test_a_reproducible_study_comes_out_the_same_every_time(  # type: ignore[no-untyped-def]
    study, fmsearch, images, tmp_path
) -> None:
    # Trial 6 is the first that may see 5 finished ones, which the median wants.
    space = PRUNED.replace("{learning_rate: 1e-6}", "{learning_rate: 0.05}, {learning_rate: 1e-6}")
    space = space.replace("sampler: random", "sampler: tpe").replace("epochs: 6", "epochs: 4")
    study(space, *REPRODUCIBLE, home="one")
    study(space, *REPRODUCIBLE, home="two")
    study(space, *REPRODUCIBLE[2:], "--trials", 3, home="three")
    study(space, *REPRODUCIBLE, "--jobs", 1, home="three")  # the lag of 2 is the study's own
    tables = [table(tmp_path / home, "pruned") for home in ("one", "two", "three")]
    assert len(tables[0]) == 9
    assert tables[0][6][1] is State.PRUNED
    assert tables[0] == tables[1] == tables[2]
    assert ledger(tmp_path / "one", "pruned").record.lag == 2
    more = fmsearch(
        "study", "--space", "space.yaml", "--data", images, "--train-images", 400, "--jobs", 3,
        "--home", "one", *REPRODUCIBLE,
    )  # fmt: skip
    assert more.returncode == 1
    assert more.stderr.endswith("which its results depend on; go on with --jobs 2 or fewer\n")


def test_cross_validated_trials_are_pruned_between_folds(study, tmp_path) -> None:  # type: ignore[no-untyped-def]
    space = PRUNED.replace("1e-6}]", "0.000001}]").replace("epochs: 6", "epochs: 2")
    space = space.replace("{by: validation}", "{by: cross_validation, folds: 3}")
    study(space, "--trials", 6, "--jobs", 1, "--offline")
    last = trials(tmp_path / "mlruns", "pruned")[5]
    assert last.state is State.PRUNED
    assert last.reason.endswith("after fold 1")
