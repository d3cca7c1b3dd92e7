"""Values of runs: in which cases one is, its tags, params and metrics."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ...models.data import DataSet
from ...models.metrics import ACCURACY
from ...models.settings import Scoring
from ...tracking.run_record import (
    TAG_BEST,
    TAG_DATA,
    TAG_DUPLICATE,
    TAG_ERROR,
    TAG_ID,
    TAG_PRUNED,
    TAG_RESULT,
    TAG_ROLE,
    TAG_SPACE,
    TAG_STATE,
    TAG_STUDY,
    TAG_TRIAL,
    DataInput,
    Metric,
    Status,
)
from ..result import Result
from ..storage.study_config import StudyConfig
from ..trial import SEED, State, Trial, best_trial, is_over
from .importances import FEWEST_TRIALS
from .schema import BEST_SCORE, CURVES, PARAMETER, STUDY, TRIAL
from .schema_types import Case

STATUS = {
    State.COMPLETE: Status.FINISHED,
    State.PRUNED: Status.KILLED,
    State.FAILED: Status.FAILED,
}


def identity(study: StudyConfig, role: str, **more: str) -> dict[str, str]:
    """The tags by which a run of a study is found."""
    return {TAG_STUDY: study.name, TAG_ID: study.id, TAG_ROLE: role, **more}


def trial_identity(study: StudyConfig, number: int) -> dict[str, str]:
    """The tags by which a trial's run is found."""
    return identity(study, "trial", **{TAG_TRIAL: str(number)})


def run_name(study: StudyConfig, number: int) -> str:
    """The name of a trial's run."""
    return f"{study.name}-{number:04d}"


def training_params(settings: Mapping[str, object], seed: int) -> dict[str, str]:
    """A training's settings and its seed, as MLflow's params."""
    return {**{name: str(value) for name, value in settings.items()}, SEED: str(seed)}


def data_input(data: DataSet, use: str = "training") -> DataInput:
    """A data set as MLflow shows it, beside what it was used for."""
    return DataInput(data.name, data.sha256, data.spec, data.profile, use)


def cases_of_trial(study: StudyConfig, trial: Trial) -> frozenset[Case]:
    """The cases in which the run of a finished trial is."""
    has_result = trial.state is not State.FAILED and trial.duplicate_of is None
    return _so(
        {
            Case.COMPLETE: trial.state is State.COMPLETE,
            Case.PRUNED: trial.state is State.PRUNED,
            Case.FAILED: trial.state is State.FAILED,
            Case.NOT_FAILED: trial.state is not State.FAILED,
            Case.IDENTIFIED: bool(trial.result),
            Case.DUPLICATE: trial.duplicate_of is not None,
            Case.RESULT: has_result,
            Case.TRAINED: has_result and bool(trial.fit_seconds),  # else it was too large
            Case.CROSS_VALIDATED: study.space.scoring is Scoring.CROSS_VALIDATION,
            Case.HOLD_OUT: study.space.scoring is Scoring.VALIDATION,
            Case.NOT_BY_ACCURACY: study.space.metric != ACCURACY,
            Case.KEEPS_MODELS: study.keep_models != 0,
        }
    )


def cases_of_study(study: StudyConfig, trials: Sequence[Trial]) -> frozenset[Case]:
    """The cases in which a study's run is, that of its status aside."""
    complete = sum(trial.state is State.COMPLETE for trial in trials)
    has_failed = any(trial.state is State.FAILED for trial in trials)
    best_stays = study.space.traits.tries_every_point and not has_failed
    return _so(
        {
            Case.CROSS_VALIDATED: study.space.scoring is Scoring.CROSS_VALIDATION,
            Case.HOLD_OUT: study.space.scoring is Scoring.VALIDATION,
            Case.GRID: study.space.traits.tries_every_point,
            Case.BEST_STAYS: best_stays,
            Case.BEST_MAY_CHANGE: not best_stays,
            Case.OVER: is_over(trials),
            Case.SCORED: complete > 0,
            Case.COMPARABLE: complete >= FEWEST_TRIALS,
        }
    )


def _so(cases: Mapping[Case, bool]) -> frozenset[Case]:
    return frozenset(case for case, is_so in cases.items() if is_so)


def trial_tags(study: StudyConfig, trial: Trial) -> dict[str, str]:
    """What the tags of a finished trial's run say of it, beside its identity."""
    values = {
        TAG_SPACE: study.space.name,
        TAG_DATA: study.data_sha256,
        TAG_STATE: trial.state.value,
        TAG_ERROR: trial.reason,
        TAG_PRUNED: trial.reason,
        TAG_DUPLICATE: str(trial.duplicate_of),
        TAG_RESULT: trial.result,
    }
    return TRIAL.tags_of(values, cases_of_trial(study, trial))


def result_metrics(result: Result, trial: int = 0) -> tuple[Metric, ...]:
    """A result's final numbers, as `final_metrics`, and its curves, epoch by epoch."""
    curves = [
        Metric(name, getattr(epoch, name), epoch.epoch, epoch.measured_at)
        for epoch in result.history
        for name in CURVES
        if getattr(epoch, name) is not None
    ]
    final = {
        **result.metrics,
        "parameters": result.parameters,
        "train_seconds": result.train_seconds,
    }
    return (*final_metrics(final, result.finished_at, trial), *curves)


def final_metrics(values: Mapping[str, float], at: int, trial: int = 0) -> tuple[Metric, ...]:
    """Final numbers of a training as metrics, the score before all others.

    Args:
        values: The numbers by name.
        at: When they were measured, in milliseconds since 1970, UTC.
        trial: Its number, which is the step of its score: so charts show scores over trials.
    """
    score = {name: value for name, value in values.items() if name == "score"}
    others = {name: value for name, value in values.items() if name != "score"}
    return (*metrics(score, at, trial), *metrics(others, at))


def metrics(values: Mapping[str, float], at: int, step: int = 0) -> tuple[Metric, ...]:
    """Final numbers as metrics, measured at a time in milliseconds since 1970, UTC."""
    return tuple(Metric(name, value, step, at) for name, value in values.items())


@dataclass(frozen=True)
class StudyOutcome:
    """What came out of a study so far, as its run says it.

    Attributes:
        params: Once its run is FINISHED.
        tags, metrics: At any time.
    """

    params: Mapping[str, str]
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)


def study_outcome(study: StudyConfig, trials: Sequence[Trial]) -> StudyOutcome:
    """What these trials come to."""
    best, cases = best_trial(trials), cases_of_study(study, trials)
    params = {SEED: str(study.seed)}
    if best is None or best.score is None:
        return StudyOutcome(params)
    # MLflow's params cannot change: the best trial's are among them once it is the best for good.
    if STUDY.params[PARAMETER].when <= cases | {Case.FINISHED}:
        params = training_params(best.parameters, study.seed)
    tags = STUDY.tags_of({TAG_BEST: json.dumps(dict(best.parameters))}, cases)
    return StudyOutcome(params, tags, {BEST_SCORE: best.score, "best_trial": float(best.number)})
