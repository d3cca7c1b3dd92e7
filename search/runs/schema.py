"""The schema: what each kind of run holds in MLflow, by name, and in which case.

What makes the runs' records, the doctor and the page docs/mlflow.md follow from it.
"""

from __future__ import annotations

from typing import Any

from ...tracking import run_record as tag
from ..outbox import ARCHITECTURE, SUMMARY
from ..trial import SEED
from . import artifacts, study_artifacts
from .artifacts import TrainingDone
from .schema_items import (
    CHILD,
    DATA,
    FIT,
    IMAGES,
    LISTED,
    MISSING,
    MODEL,
    REGISTERED,
    SCORES,
    SECONDS,
    SIZE,
    SPACE,
    TEST,
    curves,
    environment,
    identity,
    of,
    settings,
)
from .schema_types import Artifact, Case, Item, Kind, Numbers
from .study_artifacts import StudySoFar

CURVES = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")
CONFUSION, RIGHT = "confusion_matrix.json", "validation_right.json"
REPORT = "classification_report.json"
CONFUSION_FIGURE, CURVES_FIGURE = "figures/confusion_matrix.png", "figures/learning_curves.png"
ARCHITECTURE_FIGURE, SEARCH_PAGE = f"figures/{ARCHITECTURE}", "figures/search/search.html"
PARAMETER, BEST_SCORE = "<parameter>", "best_score"
REPRODUCTION_TEXT, REPRODUCTION_PAGE = "reproduction.md", "reproduction.html"
_BEST_FOR_GOOD = {Case.BEST_STAYS, Case.SCORED}  # MLflow's params cannot change


def _answers() -> dict[str, Artifact[TrainingDone]]:
    trained = {Case.TRAINED}
    return {
        CONFUSION: Artifact(artifacts.confusion_counts, trained),
        CONFUSION_FIGURE: Artifact(artifacts.confusion_figure, trained, Numbers.CONFUSION),
        REPORT: Artifact(artifacts.report, trained, Numbers.CONFUSION),
    }


def _training_files() -> dict[str, Artifact[TrainingDone]]:
    trained = {Case.TRAINED}
    return {
        **_answers(),
        CURVES_FIGURE: Artifact(artifacts.curves_figure, trained, Numbers.CURVES),
        SUMMARY: Artifact(artifacts.summary, {Case.RESULT}),
    }


STUDY: Kind[StudySoFar] = Kind(
    about="One for each study: RUNNING while the study is, KILLED when interrupted.",
    tags={
        **identity("study"),
        **SPACE,
        **IMAGES,
        tag.TAG_NOTE: Item("the result; before the first end, what the space says about itself"),
        tag.TAG_BEST: Item("the best trial's, as JSON", {Case.BEST_MAY_CHANGE, Case.SCORED}),
        **MISSING,
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
    written=LISTED,
)
TRIAL: Kind[TrainingDone] = Kind(
    about="One for each finished trial: FINISHED, KILLED where it was pruned, or FAILED.",
    tags={
        **identity("trial"),
        tag.TAG_TRIAL: Item("its number"),
        **CHILD,
        **SPACE,
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
        **environment(Case.RESULT),
        **MISSING,
    },
    params=settings(),
    metrics={
        **curves(*CURVES),
        **SCORES,
        "accuracy": Item("on the same images", {Case.COMPLETE, Case.NOT_BY_ACCURACY}),
        "best_epoch": Item("the one that is scored and kept", {Case.COMPLETE, Case.HOLD_OUT}),
        **SIZE,
        **SECONDS,
        **of(Case.REGISTERED, TEST),
    },
    artifacts={
        **_training_files(),
        RIGHT: Artifact(artifacts.right, {Case.COMPLETE, Case.TRAINED, Case.IS_RIGHT}),
    },
    written={**of(Case.RESULT, LISTED), **of(Case.REGISTERED, REGISTERED)},
    model=Item(
        f"{MODEL}; of several folds that with the median score",
        {Case.COMPLETE, Case.TRAINED, Case.KEEPS_MODELS},
    ),
)
FINAL: Kind[TrainingDone] = Kind(
    about="One for each model that `fmsearch register` has trained on all training images.",
    always={Case.NOT_FAILED, Case.RESULT, Case.TRAINED},
    tags={
        **identity("final"),
        tag.TAG_TRIAL: Item("the trial whose parameters it has"),
        tag.TAG_EPOCHS: Item("how long it was trained"),
        **CHILD,
        **SPACE,
        **environment(Case.RESULT),
        **MISSING,
    },
    params=settings(),
    metrics={**curves(*CURVES[:2]), **TEST, **SIZE, **SECONDS},
    artifacts=_training_files(),
    written={**REGISTERED, **LISTED},
    model=Item(MODEL),
)
EVALUATION: Kind[TrainingDone] = Kind(
    about="One for each version and data set on which `fmsearch evaluate` has tested it; in the "
    "experiment of the model's own run.",
    always={Case.RESULT, Case.TRAINED},
    tags={
        tag.TAG_ROLE: Item("`evaluation`"),
        tag.TAG_EVALUATED: Item("the version, as `<name>/<version>`"),
        tag.TAG_MODEL_ID: Item("of its logged model, which has these metrics, too"),
        **DATA,
        tag.TAG_NOTE: Item("the result, and where the model comes from"),
        **environment(Case.RESULT),
        **MISSING,
    },
    metrics={
        **TEST,
        "test_accuracy_low": Item("end of its 95 % interval (Wilson's)"),
        "test_accuracy_high": Item("the other end"),
    },
    artifacts=_answers(),
    written=LISTED,
)
REPRODUCTION: Kind[Any] = Kind(
    about="One for each reproduction: RUNNING while it is, KILLED when interrupted.",
    tags={
        **identity("reproduction", "reproduction"),
        **DATA,
        **IMAGES,
        tag.TAG_NOTE: Item("what it is"),
    },
    written={
        **LISTED,
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
        **identity("experiment", "reproduction"),
        tag.TAG_EXPERIMENT: Item("its name in the catalogue"),
        tag.TAG_SEED: Item("from 0"),
        **CHILD,
        **DATA,
        tag.TAG_NOTE: Item("its title"),
        tag.TAG_CHOSEN: Item("the study that chose open settings", {Case.CHOSEN}),
        tag.TAG_SEARCHED: Item("the study that searched the grid", {Case.GRID}),
        **environment(Case.TRAINING),
        **MISSING,
    },
    params={
        **settings(Case.TRAINING),
        PARAMETER: Item("the best trial's", {Case.GRID}),
    },
    metrics={
        **of(Case.TRAINING, curves(*CURVES[:2])),
        **of(Case.TRAINING, curves(*CURVES[2:], says="as these, where images are left for it")),
        **of(Case.TRAINING, {**TEST, **FIT, **SECONDS}),
        "trainable_parameters": Item("how many of its parameters are trained", {Case.TRAINING}),
        **SIZE,
        **of(Case.GRID, SCORES),
        "best_trial": Item("its number", {Case.GRID}),
        "published_winner_rank": Item("the rank of the published best point", {Case.GRID}),
        "trials": Item("how many the grid has", {Case.GRID}),
    },
    artifacts={
        **_training_files(),
        ARCHITECTURE_FIGURE: Artifact(artifacts.architecture, {Case.TRAINING}),
    },
    written=LISTED,
    model=Item(MODEL, {Case.TRAINING}),
)

KINDS: dict[str, Kind[Any]] = {
    "study": STUDY,
    "trial": TRIAL,
    "final": FINAL,
    "evaluation": EVALUATION,
    "reproduction": REPRODUCTION,
    "experiment": EXPERIMENT,
}
