"""Optuna studies run as users run them: sampled, pruned, constrained, repeated, continued."""

from __future__ import annotations

import json
import multiprocessing
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import optuna
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from sklearn.datasets import load_digits

from fmsearch.commands.status import MOST_LISTED
from fmsearch.search.storage.storage import open_storage
from fmsearch.search.storage.stored_study import StoredStudy
from fmsearch.search.trainers.jobs import CheckJob, TrainerSetup
from fmsearch.search.trainers.messages import JobFailed
from fmsearch.search.trainers.trainer import Trainer
from fmsearch.search.trial import State, Trial, best_trial

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
FINITE = """\
name: finite
model: mlp
engine: optuna
sampler: random
score: {by: validation}
fixed: {epochs: 1, layers: 1}
parameters:
  hidden_units: [4, 8]
  optimizer: [adam, sgd]
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


def stored(home: Path, name: str) -> StoredStudy:
    return open_storage(f"sqlite:///{home / 'studies.db'}").study(name)


def trials(home: Path, name: str) -> list[Trial]:
    """All of them; what is found of them by queries of its own is the same."""
    found = stored(home, name)
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


def test_a_study_tries_as_many_trials_as_asked_and_a_later_call_continues_it(  # type: ignore[no-untyped-def]
    study, tmp_path
) -> None:
    assert "small: 3 trials, 2 trainers" in study(SMALL, "--trials", 3)
    before = table(tmp_path / "mlruns", "small")
    said = study(SMALL, "--trials", 5)
    assert "small: 5 trials, 3 of them finished before, 2 trainers" in said
    after = table(tmp_path / "mlruns", "small")
    assert len(after) == 5
    assert after[:3] == before
    (run,) = runs(tmp_path / "mlruns", "study").values()
    best = max(trials(tmp_path / "mlruns", "small"), key=lambda trial: trial.score or 0)
    assert run.info.status == "FINISHED"
    assert json.loads(run.data.tags["fmsearch.best_parameters"]) == dict(best.parameters)


def test_a_hold_out_trial_stands_in_mlflow_with_its_best_epoch_and_its_model(  # type: ignore[no-untyped-def]
    study, tmp_path
) -> None:
    study(SMALL, "--trials", 2)
    home = tmp_path / "mlruns"
    run = runs(home)["small-0001"]
    curve = MlflowClient(f"sqlite:///{home / 'mlflow.db'}").get_metric_history(
        run.info.run_id, "val_accuracy"
    )
    assert [point.step for point in curve] == [1, 2]
    assert run.data.metrics["score"] == max(point.value for point in curve)
    assert run.data.metrics["best_epoch"] == int(np.argmax([p.value for p in curve])) + 1
    assert run.info.status == "FINISHED"
    assert run.outputs is not None
    assert len(run.outputs.model_outputs) == 1
    assert artifacts(home, run, "figures") == ["confusion_matrix.png", "learning_curves.png"]


def test_the_studys_run_has_the_figures_of_the_search(study, tmp_path) -> None:  # type: ignore[no-untyped-def]
    study(SMALL, "--trials", 4, "--keep-models", "none")
    home = tmp_path / "mlruns"
    assert {one.data.tags["fmsearch.model"] for one in runs(home).values()} == {
        "dropped: --keep-models none"
    }
    assert not list((home / "artifacts").rglob("model.keras"))
    (run,) = runs(home, "study").values()
    assert artifacts(home, run, "figures/search") == [
        "history.png",
        "importances.png",
        "intermediate_values.png",
        "parallel_coordinates.png",
        "search.html",
        "slices.png",
        "timeline.png",
    ]


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
from fmsearch.search.trainers.pool import TrainerPool

judge = TrainerPool.judge

def die(trainers, index, verdict):
    if verdict.prune:
        os.kill(os.getpid(), signal.SIGKILL)
    judge(trainers, index, verdict)

TrainerPool.judge = die
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
    decision = stored(tmp_path / "killed", "pruned").decision(5)
    assert decision is not None
    assert decision.step == 2
    study(space, *options, home="killed")
    assert trials(tmp_path / "killed", "pruned")[5].reason == decision.reason
    assert table(tmp_path / "killed", "pruned") == table(tmp_path / "undisturbed", "pruned")


def test_the_storage_has_a_pruned_trials_scores_and_optuna_knows_them(study, tmp_path) -> None:  # type: ignore[no-untyped-def]
    study(PRUNED.replace("1e-6}]", "0.000001}]"), "--trials", 6, "--jobs", 1, "--offline")
    frozen = stored(tmp_path / "mlruns", "pruned").frozen()
    assert sorted(frozen[0].intermediate_values) == [1, 2, 3, 4, 5, 6]
    assert sorted(frozen[5].intermediate_values) == [1, 2]


def test_known_parameters_are_not_trained_twice_and_the_run_says_so(study, tmp_path) -> None:  # type: ignore[no-untyped-def]
    points = "[{hidden_units: 4, optimizer: adam}, {hidden_units: 8, optimizer: adam}, "
    again = "{hidden_units: 4, optimizer: adam}]"
    study(FINITE + f"published: {points}{again}\n", "--trials", 3)
    home = tmp_path / "mlruns"
    first, _, third = trials(home, "finite")
    assert third.duplicate_of == 0
    assert (third.score, dict(third.metrics)) == (first.score, dict(first.metrics))
    run = runs(home)["finite-0002"]
    assert run.data.tags["fmsearch.duplicate_of"] == "0"
    assert run.info.status == "FINISHED"
    assert run.data.metrics["score"] == first.score
    assert not (run.outputs and run.outputs.model_outputs)


def test_a_finite_space_that_is_exhausted_ends_the_study(study, tmp_path) -> None:  # type: ignore[no-untyped-def]
    study(FINITE, "--trials", 100, "--offline")
    found = trials(tmp_path / "mlruns", "finite")
    points = {json.dumps(dict(t.parameters)) for t in found if t.duplicate_of is None}
    assert len(points) == 4
    assert 4 <= len(found) < 100
    assert {t.state for t in found} == {State.COMPLETE}


COLLAPSING = """\
name: finite
model: cnn
engine: optuna
sampler: random
score: {by: validation}
fixed: {epochs: 1, filters_1: 2, filters_2: 2, filters_3: 2, filters_4: 2, dense_units: 0}
parameters:
  depth: {int: [3, 4]}
  convolutions_4: [1, 2]
"""


def test_points_that_are_one_training_exhaust_a_space_together(study, tmp_path) -> None:  # type: ignore[no-untyped-def]
    study(COLLAPSING, "--trials", 40, "--offline")  # with three blocks the fourth says nothing
    found = trials(tmp_path / "mlruns", "finite")
    assert sum(one.duplicate_of is None for one in found) == 3
    assert len(found) < 40


def test_a_network_that_is_too_large_is_told_as_infeasible_without_being_trained(  # type: ignore[no-untyped-def]
    study, tmp_path
) -> None:
    points = "published: [{hidden_units: 4, optimizer: adam}, {hidden_units: 8, optimizer: adam}]\n"
    study(FINITE + "constraints: {parameters: {at_most: 4000}}\n" + points, "--trials", 2)
    home = tmp_path / "mlruns"
    small, large = trials(home, "finite")
    assert (small.state, large.state) == (State.COMPLETE, State.PRUNED)
    assert large.reason == "infeasible: 6,370 parameters are more than 4,000"
    constraints = [trial.constraints for trial in stored(home, "finite").frozen()]
    assert constraints == [{"parameters": 3190.0 - 4000}, {"parameters": 6370.0 - 4000}]
    run = runs(home)["finite-0001"]
    assert run.info.status == "KILLED"
    assert run.data.metrics["parameters"] == 6370
    assert "train_loss" not in run.data.metrics


def test_a_study_of_two_objectives_has_a_pareto_front(study, tmp_path) -> None:  # type: ignore[no-untyped-def]
    study(SMALL + "objectives: {score: maximize, parameters: minimize}\n", "--trials", 4)
    home = tmp_path / "mlruns"
    optuna_study = stored(home, "small").study()
    assert [one.name for one in optuna_study.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert all(trial.values[1] > 784 * 4 for trial in optuna_study.trials)
    (run,) = runs(home, "study").values()
    assert "pareto_front.png" in artifacts(home, run, "figures/search")


def test_only_the_models_of_the_best_trials_are_kept_and_the_others_runs_say_so(  # type: ignore[no-untyped-def]
    study, tmp_path
) -> None:
    study(SMALL, "--trials", 5, "--keep-models", "best:2")
    home = tmp_path / "mlruns"
    found = trials(home, "small")
    best = sorted(found, key=lambda t: (-(t.score or 0), t.number))[:2]
    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    models = client.search_logged_models([runs(home)["small-0000"].info.experiment_id])
    kept = {model.tags["fmsearch.trial"] for model in models}
    assert kept == {str(trial.number) for trial in best}
    said = {name for name, run in runs(home).items() if "fmsearch.model" in run.data.tags}
    assert said == {f"small-{t.number:04d}" for t in found if t not in best}
    assert len(list((home / "artifacts").rglob("model.keras"))) == 2


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
    assert stored(tmp_path / "one", "pruned").config.lag == 2
    more = fmsearch(
        "study", "--space", "space.yaml", "--data", images, "--train-images", 400, "--jobs", 3,
        "--home", "one", *REPRODUCIBLE,
    )  # fmt: skip
    assert more.returncode == 1
    assert more.stderr.endswith("which its results depend on; go on with --jobs 2 or fewer\n")


def test_a_trial_whose_loss_is_no_number_fails_with_that_reason_and_the_study_goes_on(  # type: ignore[no-untyped-def]
    study, tmp_path
) -> None:
    # A decay of 99 * 0.99 a step: weights grow by 97 with each, until they overflow.
    space = FINITE.replace("optimizer: [adam, sgd]", "learning_rate: [99, 0.01]")
    space = space.replace("layers: 1", "optimizer: adamw, weight_decay: 0.99, batch_size: 4")
    good, bad = "hidden_units: 4, learning_rate: 0.01", "hidden_units: 4, learning_rate: 99"
    points = f"published: [{{{bad}}}, {{{good}}}]\n"
    study(space + points, "--trials", 2)
    home = tmp_path / "mlruns"
    failed, complete = trials(home, "finite")
    assert (failed.state, complete.state) == (State.FAILED, State.COMPLETE)
    assert failed.reason.startswith("the loss is nan in epoch ")
    run = runs(home)["finite-0000"]
    assert (run.info.status, run.data.tags["fmsearch.error"]) == ("FAILED", failed.reason)


REFUSED = {
    ("--reproducible", "--timeout", "5m"): "--reproducible: when a study ends by --timeout or",
    (
        "--reproducible",
        "--target-score",
        "0.9",
    ): "--reproducible: when a study ends by --timeout or",
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


def test_a_study_ends_when_its_target_is_reached(study, tmp_path) -> None:  # type: ignore[no-untyped-def]
    study(SMALL, "--trials", 50, "--target-score", "0.05", "--offline")
    found = trials(tmp_path / "mlruns", "small")
    assert 1 <= len(found) <= 3  # the first one has it; two trainers were at work
    assert all(trial.state.finished for trial in found)


def test_a_study_can_begin_without_the_published_points(study, tmp_path) -> None:  # type: ignore[no-untyped-def]
    space = SMALL + "published: [{hidden_units: 17, optimizer: adam}]\n"
    study(space, "--trials", 1, "--offline", home="with")
    study(space, "--trials", 1, "--offline", "--enqueue", "nothing", home="without")
    first = [dict(trials(tmp_path / home, "small")[0].parameters) for home in ("with", "without")]
    assert first[0] == {"hidden_units": 17, "optimizer": "adam"} != first[1]


def test_a_study_begins_no_trial_after_its_time(study, tmp_path) -> None:  # type: ignore[no-untyped-def]
    study(SMALL, "--trials", 1000, "--timeout", "4s", "--offline")
    found = trials(tmp_path / "mlruns", "small")
    assert 2 <= len(found) < 1000
    assert all(trial.state.finished for trial in found)


def test_cross_validated_trials_are_pruned_between_folds(study, tmp_path) -> None:  # type: ignore[no-untyped-def]
    space = PRUNED.replace("1e-6}]", "0.000001}]").replace("epochs: 6", "epochs: 2")
    space = space.replace("{by: validation}", "{by: cross_validation, folds: 3}")
    study(space, "--trials", 6, "--jobs", 1, "--offline")
    last = trials(tmp_path / "mlruns", "pruned")[5]
    assert last.state is State.PRUNED
    assert last.reason.endswith("after fold 1")


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
    done = fmsearch("study", "--space", "space.yaml", "--data", data, "--trials", 3, "--jobs", 2)
    assert done.returncode == 0, done.stderr
    best = max(trial.score or 0 for trial in trials(tmp_path / "mlruns", "any_images"))
    assert best > least  # guessing has 0.1 and 0.04
    done = fmsearch("register", "--study", "any_images")
    assert done.returncode == 0, done.stderr


def test_a_built_in_space_works_on_other_images(fmsearch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    data = coloured_letters(tmp_path / "mine.npz")
    options = ("--trials", 2, "--jobs", 2, "--offline")
    done = fmsearch("study", "--space", "cnn", "--data", data, *options)
    assert done.returncode == 0, done.stderr
    found = trials(tmp_path / "mlruns", "cnn")
    assert [one.state for one in found] == [State.COMPLETE] * 2
    assert [one.parameters["depth"] for one in found] == [3, 4]  # the published cnn_3 and cnn_4


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


EXAMPLES = Path(__file__).parent.parent / "examples"


def test_a_users_own_model_is_trained_and_tracked_like_the_built_in_ones(  # type: ignore[no-untyped-def]
    fmsearch, images, tmp_path
) -> None:
    for name in ("own_model.py", "own_model.yaml"):
        (tmp_path / name).write_text((EXAMPLES / name).read_text())
    assert len((EXAMPLES / "own_model.py").read_text().splitlines()) < 40
    options = ("--data", images, "--trials", 2, *OPTIONS)
    done = fmsearch("study", "--space", "own_model.yaml", *options)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    run = runs(tmp_path / "mlruns")["own_model-0000"]
    assert {"width", "activation", "learning_rate"} <= run.data.params.keys()
    assert fmsearch("register", "--study", "own_model").returncode == 0


OWN_FAULTS = {
    "def build(s, c, **p): raise ValueError('no')": "ValueError: no",
    "def build(s, c, **p): return 3": "it gives a int, not a keras.Model",
    "def build(s, c): return 3": "TypeError: build() got an unexpected keyword argument 'width'",
    "build = 1": "TypeError: 'int' object is not callable",
    "import keras\ndef build(s, c, **p):\n x = keras.Input(s)\n"
    " return keras.Model(x, keras.layers.Dense(3)(keras.layers.Flatten()(x)))": (
        "it gives outputs of shape (2, 3) for 2 images, not (2, 10)"
    ),
    "import keras\ndef build(s, c, **p):\n x = keras.Input(s)\n"
    " return keras.Model(x, keras.layers.Dense(c)(keras.layers.Flatten()(x)))": (
        "its outputs are no probabilities: end it with a softmax"
    ),
}


@pytest.mark.parametrize(("code", "expected"), OWN_FAULTS.items())
def test_a_users_model_that_does_not_fit_is_found_out(  # type: ignore[no-untyped-def]
    images, tmp_path, monkeypatch, code, expected
) -> None:
    name = f"own_{abs(hash(code))}"
    (tmp_path / f"{name}.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    ours, theirs = multiprocessing.Pipe()
    model, parameters = f"{name}:build", ("width",)
    setup = TrainerSetup(data=str(images), classes=10, model=model, parameters=parameters)
    trainer = Trainer(theirs, setup)
    trainer.answer(CheckJob({"width": 4}))
    assert ours.recv() == JobFailed(expected)


def test_a_users_model_is_checked_before_the_study(fmsearch, images, tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "own.py").write_text("import nothing_like_this")
    (tmp_path / "space.yaml").write_text(
        "name: own\nmodel: own:build\nengine: optuna\nscore: {by: validation}\n"
        "parameters: {width: [4, 8]}\n"
    )
    done = fmsearch("study", "--space", "space.yaml", "--data", images)
    assert done.returncode == 1
    reason = "ModuleNotFoundError: No module named 'nothing_like_this'"
    assert done.stderr == f"fmsearch: model: own:build: {reason}\n"
    assert not (tmp_path / "mlruns" / "studies.db").exists()


def test_status_shows_what_is_best_and_what_matters(study, fmsearch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    study(SMALL, "--trials", 6, "--offline")
    lines = fmsearch("status", "small").stdout.splitlines()
    assert lines[0] == "small: 6 trials: 6 complete"
    assert lines[1].startswith("best: trial ")
    expected = optuna.importance.get_param_importances(stored(tmp_path / "mlruns", "small").study())
    shown = ", ".join(f"{name} {share:.0%}" for name, share in expected.items())
    assert lines[2] == f"importance: {shown}"
    program = Path(sys.executable).with_name("fmsearch")
    watching = subprocess.Popen(
        [program, "status", "small", "--watch"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background jobs ignore Ctrl-C; this test may be one.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert watching.stdout is not None
    heads = (line for line in watching.stdout if line.strip() == lines[0])
    assert [next(heads), next(heads)]  # shown, and two seconds later again
    watching.send_signal(signal.SIGINT)
    assert watching.communicate(timeout=60)[1] == ""
    assert watching.returncode == 0


def test_status_lists_the_latest_of_many_trials_that_do_not_wait(study, fmsearch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    study(SMALL, "--trials", 1, "--offline")
    optuna_state = stored(tmp_path / "mlruns", "small").study()
    for _ in range(MOST_LISTED):
        optuna_state.enqueue_trial({})
    latest = fmsearch("status", "small")
    assert f"trials: {MOST_LISTED} waiting, 1 complete" in latest.stdout
    assert latest.stdout.count(" waiting ") == 0
    assert latest.stdout.count(" complete ") == 1
    assert latest.stderr == "these are the latest trials; --all lists all\n"
    everything = fmsearch("status", "small", "--all")
    assert everything.stdout.count(" waiting ") == MOST_LISTED
    assert everything.stdout.count(" complete ") == 1
    assert everything.stderr == ""


def test_status_shows_what_the_storage_says_matters(study, fmsearch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    study(SMALL, "--trials", 3, "--offline")
    notes = stored(tmp_path / "mlruns", "small").attributes
    assert notes.importances() == {}  # nothing was drawn
    notes.set_importances({"momentum": 0.75, "hidden_units": 0.25})
    assert "importance: momentum 75%, hidden_units 25%\n" in fmsearch("status", "small").stdout
