"""The schema: what each kind of run holds in MLflow, by name, and in which case.

What makes the runs' records, the doctor and the page docs/mlflow.md follow from it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...checksums import CHECKSUMS
from ...tracking import run_record as tag
from ..outbox import ARCHITECTURE, SUMMARY
from ..trial import SEED
from . import artifacts, study_artifacts
from .artifacts import TrainingDone
from .schema_words import Artifact, Case, Item, Kind, Numbers
from .study_artifacts import StudySoFar

CURVES = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")
CONFUSION, RIGHT = "confusion_matrix.json", "validation_right.json"
REPORT = "classification_report.json"
CONFUSION_FIGURE, CURVES_FIGURE = "figures/confusion_matrix.png", "figures/learning_curves.png"
ARCHITECTURE_FIGURE, SEARCH_PAGE = f"figures/{ARCHITECTURE}", "figures/search/search.html"
PARAMETER, BEST_SCORE = "<parameter>", "best_score"
REPRODUCTION_TEXT, REPRODUCTION_PAGE = "reproduction.md", "reproduction.html"
_DATA = {tag.TAG_DATA: Item("SHA-256 of the data set")}
_SPACE = {tag.TAG_SPACE: Item("name of the space"), **_DATA}
_BEST_FOR_GOOD = {Case.BEST_STAYS, Case.SCORED}  # MLflow's params cannot change
_IMAGES = {tag.TAG_IMAGES: Item("`--train-images`, or `all`")}
_MISSING = {
    f"{tag.TAG_MISSING}.<artifact>": Item("why it is without that artifact", {Case.NOT_MADE})
}
_CHILD = {tag.TAG_PARENT: Item("id of the run under which it stands")}


def _identity(role: str, whose: str = "study") -> dict[str, Item]:
    """The tags by which a run is found."""
    return {
        tag.TAG_STUDY: Item(f"name of the {whose}"),
        tag.TAG_ID: Item(f"of the {whose}, drawn when it is begun"),
        tag.TAG_ROLE: Item(f"`{role}`"),
    }


def _environment(case: Case) -> dict[str, Item]:
    return {
        tag.TAG_VERSIONS: Item(
            "of Python and what computes, and variables that choose kernels", {case}
        ),
        tag.TAG_PROCESSOR: Item("type and sets of instructions", {case}),
    }


def _settings(*cases: Case) -> dict[str, Item]:
    return {
        "<setting>": Item("every setting of the training, defaults included", {*cases}),
        SEED: Item("of the training"),
    }


def _curves(*names: str, says: str = "after each epoch") -> dict[str, Item]:
    return {name: Item(says, {Case.TRAINED}, is_measured=True) for name in names}


def _of(case: Case, items: dict[str, Item]) -> dict[str, Item]:
    """The same, in another case."""
    return {name: replace(item, when={case}) for name, item in items.items()}


_SCORES = {
    "score": Item("the number that a study maximises, what its space says", {Case.COMPLETE}),
    "score_std": Item("of the folds' scores", {Case.COMPLETE, Case.CROSS_VALIDATED}),
    "fold_<k>_score": Item("of fold k, from 1", {Case.COMPLETE, Case.CROSS_VALIDATED}),
}
_SIZE = {"parameters": Item("how many the network has", {Case.NOT_FAILED})}
_SECONDS = {"train_seconds": Item("in all epochs of all folds", {Case.RESULT}, is_measured=True)}
_TEST = dict.fromkeys(("test_accuracy", "test_loss"), Item("on the test images"))
_FIT = dict.fromkeys(("fit_accuracy", "fit_loss"), Item("on its training images, without dropout"))
_REGISTERED = {
    "gate.json": Item("its answers to the gate images, or its gate model's"),
    "model_card.md": Item("what it is for, its data, how it does on each class"),
}
_CHECKSUMS = {CHECKSUMS: Item("of these files, for `sha256sum --check`")}
_MODEL = "the network, as `mlflow.keras` and `mlflow.pyfunc` load it, with params and metrics"


def _training_files() -> dict[str, Artifact[TrainingDone]]:
    trained = {Case.TRAINED}
    return {
        CONFUSION: Artifact(artifacts.confusion_counts, trained),
        CONFUSION_FIGURE: Artifact(artifacts.confusion_figure, trained, Numbers.CONFUSION),
        REPORT: Artifact(artifacts.report, trained, Numbers.CONFUSION),
        CURVES_FIGURE: Artifact(artifacts.curves_figure, trained, Numbers.CURVES),
        SUMMARY: Artifact(artifacts.summary, {Case.RESULT}),
    }


STUDY: Kind[StudySoFar] = Kind(
    about="One for each study: RUNNING while the study is, KILLED when interrupted.",
    tags={
        **_identity("study"),
        **_SPACE,
        **_IMAGES,
        tag.TAG_NOTE: Item("the result; before the first end, what the space says about itself"),
        tag.TAG_BEST: Item("the best trial's, as JSON", {Case.BEST_MAY_CHANGE, Case.SCORED}),
        **_MISSING,
    },
    params={
        SEED: Item("of the study", {Case.FINISHED}),
        PARAMETER: Item("the best trial's", {Case.FINISHED, Case.OVER, *_BEST_FOR_GOOD}),
    },
    metrics={
        BEST_SCORE: Item("the best trial's, `score` in earlier versions", {Case.SCORED}),
        "best_trial": Item("its number", {Case.SCORED}),
    },
    artifacts={
        "space.yaml": Artifact(study_artifacts.space, {Case.BEGUN}),
        "figures/class_samples.png": Artifact(study_artifacts.class_samples, {Case.BEGUN}),
        "figures/class_distribution.png": Artifact(
            study_artifacts.class_distribution, {Case.BEGUN}
        ),
        "trials.csv": Artifact(study_artifacts.trials_table, {Case.ENDED}),
        "cv_results.csv": Artifact(
            study_artifacts.cv_results_table, {Case.ENDED, Case.CROSS_VALIDATED}
        ),
        SEARCH_PAGE: Artifact(study_artifacts.search_figures, {Case.COMPARABLE}),
    },
    written=_CHECKSUMS,
)
TRIAL: Kind[TrainingDone] = Kind(
    about="One for each finished trial: FINISHED, KILLED where it was pruned, or FAILED.",
    tags={
        **_identity("trial"),
        tag.TAG_TRIAL: Item("its number"),
        **_CHILD,
        **_SPACE,
        tag.TAG_STATE: Item("`complete`, `pruned` or `failed`"),
        tag.TAG_RESULT: Item("id of its result, which the storage has too", {Case.IDENTIFIED}),
        tag.TAG_NOTE: Item("how it ended, and the searched parameters"),
        tag.TAG_ERROR: Item("why it failed", {Case.FAILED}),
        tag.TAG_PRUNED: Item("why it was stopped, or not begun", {Case.PRUNED}),
        tag.TAG_DUPLICATE: Item("number of the trial that it repeats", {Case.DUPLICATE}),
        tag.TAG_RETRIED: Item(f"as which; it is of the role `{tag.ATTEMPT}` then", {Case.RETRIED}),
        tag.TAG_MODEL: Item("why its model is not there", {Case.MODEL_DROPPED}),
        tag.TAG_RESTORED: Item("what it has lost", {Case.RESTORED}),
        tag.TAG_FOLDS: Item("on how many folds it was trained", {Case.RESULT}),
        **_environment(Case.RESULT),
        **_MISSING,
    },
    params=_settings(),
    metrics={
        **_curves(*CURVES),
        **_SCORES,
        "accuracy": Item("on the same images", {Case.COMPLETE, Case.NOT_BY_ACCURACY}),
        "best_epoch": Item("the one that is scored and kept", {Case.COMPLETE, Case.HOLD_OUT}),
        **_SIZE,
        **_SECONDS,
        **_of(Case.REGISTERED, _TEST),
    },
    artifacts={
        **_training_files(),
        RIGHT: Artifact(artifacts.right, {Case.COMPLETE, Case.TRAINED, Case.IS_RIGHT}),
    },
    written={**_of(Case.RESULT, _CHECKSUMS), **_of(Case.REGISTERED, _REGISTERED)},
    model=Item(
        f"{_MODEL}; of several folds that with the median score",
        {Case.COMPLETE, Case.TRAINED, Case.KEEPS_MODELS},
    ),
)
FINAL: Kind[TrainingDone] = Kind(
    about="One for each model that `fmsearch register` has trained on all training images.",
    always={Case.NOT_FAILED, Case.RESULT, Case.TRAINED},
    tags={
        **_identity("final"),
        tag.TAG_TRIAL: Item("the trial whose parameters it has"),
        tag.TAG_EPOCHS: Item("how long it was trained"),
        **_CHILD,
        **_SPACE,
        **_environment(Case.RESULT),
        **_MISSING,
    },
    params=_settings(),
    metrics={**_curves(*CURVES[:2]), **_TEST, **_SIZE, **_SECONDS},
    artifacts=_training_files(),
    written={**_REGISTERED, **_CHECKSUMS},
    model=Item(_MODEL),
)
REPRODUCTION: Kind[Any] = Kind(
    about="One for each reproduction: RUNNING while it is, KILLED when interrupted.",
    tags={
        **_identity("reproduction", "reproduction"),
        **_DATA,
        **_IMAGES,
        tag.TAG_NOTE: Item("what it is"),
    },
    written={
        **_CHECKSUMS,
        REPRODUCTION_TEXT: Item("the report", {Case.FINISHED}),
        REPRODUCTION_PAGE: Item("the report as one page", {Case.FINISHED}),
        "figures/<experiment>/<figure>.png": Item("its pictures", {Case.FINISHED}),
    },
)
EXPERIMENT: Kind[TrainingDone] = Kind(
    about="One for each experiment of a reproduction and each seed: a training, or a grid that "
    "was searched, with the files of its best trial.",
    always={Case.COMPLETE, Case.NOT_FAILED, Case.RESULT, Case.TRAINED},
    tags={
        **_identity("experiment", "reproduction"),
        tag.TAG_EXPERIMENT: Item("its name in the catalogue"),
        tag.TAG_SEED: Item("from 0"),
        **_CHILD,
        **_DATA,
        tag.TAG_NOTE: Item("its title"),
        tag.TAG_CHOSEN: Item("the study that chose open settings", {Case.CHOSEN}),
        tag.TAG_SEARCHED: Item("the study that searched the grid", {Case.GRID}),
        **_environment(Case.TRAINING),
        **_MISSING,
    },
    params={
        **_settings(Case.TRAINING),
        PARAMETER: Item("the best trial's", {Case.GRID}),
    },
    metrics={
        **_of(Case.TRAINING, _curves(*CURVES[:2])),
        **_of(Case.TRAINING, _curves(*CURVES[2:], says="as these, where images are left for it")),
        **_of(Case.TRAINING, {**_TEST, **_FIT, **_SECONDS}),
        "trainable_parameters": Item("how many of its parameters are trained", {Case.TRAINING}),
        **_SIZE,
        **_of(Case.GRID, _SCORES),
        "best_trial": Item("its number", {Case.GRID}),
        "published_winner_rank": Item("the rank of the published best point", {Case.GRID}),
        "trials": Item("how many the grid has", {Case.GRID}),
    },
    artifacts={
        **_training_files(),
        ARCHITECTURE_FIGURE: Artifact(artifacts.architecture, {Case.TRAINING}),
    },
    written=_CHECKSUMS,
    model=Item(_MODEL, {Case.TRAINING}),
)

KINDS: dict[str, Kind[Any]] = {
    "study": STUDY,
    "trial": TRIAL,
    "final": FINAL,
    "reproduction": REPRODUCTION,
    "experiment": EXPERIMENT,
}
