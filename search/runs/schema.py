"""What MLflow must hold of a study and its trials, as follows from the storage."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ...models.settings import Scoring
from ...tracking.run_record import (
    MOST_TAG_CHARACTERS,
    TAG_BEST,
    TAG_DATA,
    TAG_DUPLICATE,
    TAG_ERROR,
    TAG_ID,
    TAG_PARENT,
    TAG_PRUNED,
    TAG_ROLE,
    TAG_SPACE,
    TAG_STATE,
    TAG_STUDY,
    TAG_TRIAL,
    Status,
)
from ..outbox import SUMMARY
from ..space.space import Space
from ..storage.study_config import StudyConfig
from ..trial import State, Trial, best_trial, training_seed

CURVES = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")
CONFUSION, REPORT = "confusion_matrix.json", "classification_report.json"
CONFUSION_FIGURE, CURVES_FIGURE = "figures/confusion_matrix.png", "figures/learning_curves.png"
FEWEST_DRAWN = 2
"""An Optuna study with fewer complete trials has no figures of its search."""

STATUS = {
    State.COMPLETE: Status.FINISHED,
    State.PRUNED: Status.KILLED,
    State.FAILED: Status.FAILED,
}


def identity(study: StudyConfig, role: str, **more: str) -> dict[str, str]:
    """The tags by which a run of a study is found."""
    return {TAG_STUDY: study.name, TAG_ID: study.id, TAG_ROLE: role, **more}


def run_name(study: StudyConfig, number: int) -> str:
    """The name of a trial's run."""
    return f"{study.name}-{number:04d}"


def training_params(settings: Mapping[str, object], seed: int) -> dict[str, str]:
    """A training's settings and its seed, as MLflow's params."""
    return {**{name: str(value) for name, value in settings.items()}, "seed": str(seed)}


def state_tags(trial: Trial) -> dict[str, str]:
    """The tags that say what became of a finished trial."""
    tags = {TAG_STATE: trial.state.value}
    if trial.duplicate_of is not None:
        tags[TAG_DUPLICATE] = str(trial.duplicate_of)
    if trial.state is State.FAILED:
        tags[TAG_ERROR] = trial.reason
    if trial.state is State.PRUNED:
        tags[TAG_PRUNED] = trial.reason
    return tags


@dataclass(frozen=True)
class StudyOutcome:
    """What came out of a study so far, as its run says it.

    Attributes:
        params: Once the study is finished.
        tags, metrics: At any time.
    """

    params: Mapping[str, str]
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)


def study_outcome(study: StudyConfig, space: Space, trials: Sequence[Trial]) -> StudyOutcome:
    """What these trials come to."""
    best = best_trial(trials)
    params = {"seed": str(study.seed)}
    if best is None or best.score is None:
        return StudyOutcome(params)
    metrics = {"score": best.score, "best_trial": float(best.number)}
    # MLflow's params cannot change: the best trial's are among them once it is the best for good.
    if not space.traits.tries_every_point:
        return StudyOutcome(params, {TAG_BEST: json.dumps(dict(best.parameters))}, metrics)
    if is_over(trials):
        params = training_params(best.parameters, study.seed)
    return StudyOutcome(params, {}, metrics)


def is_over(trials: Sequence[Trial]) -> bool:
    """Whether no trial is left to be tried."""
    return all(trial.state.finished for trial in trials)


@dataclass(frozen=True)
class Expected:
    """What one run must hold; it may hold more.

    Attributes:
        name: Of the run.
        status: How it ended.
        state: The storage's word for that.
        tags, params, metrics: With these values.
        absent: Tags that it must not have.
        measured: Metrics whose values only the run knows.
        files: Paths of artifacts.
        has_model: Whether it has a model, unless it says that the model was dropped.
    """

    name: str
    status: Status
    state: str
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    absent: frozenset[str] = frozenset()
    measured: tuple[str, ...] = ()
    files: frozenset[str] = frozenset()
    has_model: bool = False


def expected_trial(study: StudyConfig, space: Space, trial: Trial, parent: str | None) -> Expected:
    """The run of a finished trial.

    Args:
        study, space: Whose trial it is.
        trial: Complete, pruned or failed.
        parent: Id of the study's run; None if that is not known.
    """
    settings = space.settings(trial.parameters)
    # Defaults are left out: another version of fmsearch may have others, and more of them.
    named = {name: settings[name] for name in (*space.fixed, *trial.parameters) if name in settings}
    tags = {
        **identity(study, "trial", **{TAG_TRIAL: str(trial.number)}),
        TAG_SPACE: space.name,
        TAG_DATA: study.data_sha256,
        **{name: value[:MOST_TAG_CHARACTERS] for name, value in state_tags(trial).items()},
        **({TAG_PARENT: parent} if parent else {}),
    }
    has_result = trial.state is not State.FAILED and trial.duplicate_of is None
    is_trained = has_result and bool(trial.fit_seconds)  # else it was too large to be trained
    files = {SUMMARY} if has_result else set[str]()
    if is_trained:
        files |= {CONFUSION, REPORT, CONFUSION_FIGURE, CURVES_FIGURE}
    return Expected(
        name=run_name(study, trial.number),
        status=STATUS[trial.state],
        state=trial.state.value,
        tags=tags,
        absent=frozenset({TAG_DUPLICATE, TAG_ERROR, TAG_PRUNED} - tags.keys()),
        params=training_params(named, training_seed(study.seed, trial.parameters)),
        metrics=trial.metrics,
        measured=(*CURVES, "train_seconds") if is_trained else (),
        files=frozenset(files),
        has_model=is_trained and trial.state is State.COMPLETE and study.keep_models != 0,
    )


def expected_study(
    study: StudyConfig, space: Space, trials: Sequence[Trial], status: str | None
) -> Expected:
    """The run of a study that nobody runs.

    Args:
        study, space, trials: What the storage has.
        status: Of its run, if there is one: an ended run stays as it ended, for a time limit may
            end a study that has trials left. But a grid all of whose points are finished is over.
    """
    over = is_over(trials)
    stays = {Status.FINISHED, Status.FAILED}
    if not (over and space.traits.tries_every_point):
        stays.add(Status.KILLED)
    ended = next((one for one in stays if one.value == status), None)
    expected = ended or (Status.FINISHED if over else Status.KILLED)
    outcome = study_outcome(study, space, trials)
    files = {
        "space.yaml",
        "trials.csv",
        "figures/class_samples.png",
        "figures/class_distribution.png",
    }
    if space.scoring is Scoring.CROSS_VALIDATION:
        files.add("cv_results.csv")
    complete = [trial for trial in trials if trial.state is State.COMPLETE]
    if space.traits.has_search_figures and len(complete) >= FEWEST_DRAWN:
        files.add("figures/search/search.html")
    about = {TAG_SPACE: space.name, TAG_DATA: study.data_sha256}
    return Expected(
        name=study.name,
        status=expected,
        state="finished" if over else "unfinished",
        tags={**identity(study, "study"), **about, **outcome.tags},
        params=outcome.params if expected is Status.FINISHED else {},
        metrics=outcome.metrics,
        files=frozenset(files),
    )
