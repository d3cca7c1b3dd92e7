"""What a run must hold, as follows from the storage and from the schema of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from ...tracking.run_record import (
    MOST_TAG_CHARACTERS,
    TAG_BEST,
    TAG_DATA,
    TAG_PARENT,
    TAG_SPACE,
    Status,
)
from ...tracking.stored_runs import StoredRun
from ..runs.schema import BEST_SCORE, SEARCH_PAGE, STUDY, TRIAL
from ..runs.schema_types import Case
from ..runs.values import (
    STATUS,
    cases_of_study,
    cases_of_trial,
    identity,
    run_name,
    study_outcome,
    training_params,
    trial_identity,
    trial_tags,
)
from ..storage.study_config import StudyConfig
from ..trial import SEED, Trial, training_seed

ENDS = {Case.PRUNED, Case.FAILED, Case.DUPLICATE}
"""A tag that is for trials of such an end must not be in others."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What one run must hold; it may hold more.

    Attributes:
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


def expected_trial(study: StudyConfig, trial: Trial, parent: str | None) -> Expected:
    """The run of a finished trial.

    Args:
        study: Whose trial it is.
        trial: Complete, pruned or failed.
        parent: Id of the study's run; None if that is not known.
    """
    cases = cases_of_trial(study, trial)
    settings = study.space.settings(trial.parameters)
    # Defaults are left out: another version of fmsearch may have others, and more of them.
    known = (*study.space.fixed, *trial.parameters)
    named = {name: settings[name] for name in known if name in settings}
    tags = {
        **trial_identity(study, trial.number),
        **trial_tags(study, trial),
        **({TAG_PARENT: parent} if parent else {}),
    }
    measured = {name: one for name, one in TRIAL.metrics.items() if one.is_measured}
    return Expected(
        name=run_name(study, trial.number),
        status=STATUS[trial.state],
        state=trial.state.value,
        tags={name: value[:MOST_TAG_CHARACTERS] for name, value in tags.items()},
        absent=frozenset(name for name, one in TRIAL.tags.items() if one.when & ENDS) - tags.keys(),
        params=training_params(named, training_seed(study.seed, trial.parameters)),
        metrics=trial.metrics,
        measured=tuple(name for name, one in measured.items() if one.when <= cases),
        files=frozenset(TRIAL.artifacts_of(cases)),
        has_model=TRIAL.has_model(cases),
    )


def expected_study(study: StudyConfig, trials: Sequence[Trial], run: StoredRun | None) -> Expected:
    """The run of a study that nobody runs.

    Args:
        study, trials: What the storage has.
        run: Its run, if there is one. An ended run stays as it ended, for a time limit may end a
            study that has trials left; but a grid all of whose points are finished is over. One of
            an earlier version keeps that version's name of the best score.
    """
    cases = cases_of_study(study, trials) | {Case.BEGUN, Case.ENDED}
    over = Case.OVER in cases
    stays = {Status.FINISHED, Status.FAILED}
    if not {Case.OVER, Case.GRID} <= cases:
        stays.add(Status.KILLED)
    ended = next((one for one in stays if run and one.value == run.status), None)
    expected = ended or (Status.FINISHED if over else Status.KILLED)
    outcome = study_outcome(study, trials)
    about = {TAG_SPACE: study.space.name, TAG_DATA: study.data_sha256}
    return Expected(
        name=study.name,
        status=expected,
        state="finished" if over else "unfinished",
        tags={**identity(study, "study"), **about, **_where_not_params(run, outcome.tags)},
        params=outcome.params if expected is Status.FINISHED else {},
        metrics=_as_named_in(run, outcome.metrics),
        files=frozenset(STUDY.artifacts_of(cases)) - _unknown_to(run, cases),
    )


def _where_not_params(run: StoredRun | None, tags: Mapping[str, str]) -> Mapping[str, str]:
    """An earlier version put the best parameters of a grid with failed trials among the params."""
    if run is None or not run.params.keys() - {SEED}:
        return tags
    return {name: value for name, value in tags.items() if name != TAG_BEST}


def _is_earlier(run: StoredRun | None) -> bool:
    """Whether an earlier version ended it."""
    return run is not None and BEST_SCORE not in run.metrics and "score" in run.metrics


def _unknown_to(run: StoredRun | None, cases: Set[Case]) -> Set[str]:
    """Files that the version which ended a study's run did not make."""
    return {SEARCH_PAGE} if _is_earlier(run) and Case.GRID in cases else set()


def _as_named_in(run: StoredRun | None, metrics: Mapping[str, float]) -> Mapping[str, float]:
    if not _is_earlier(run):
        return metrics
    return {"score" if name == BEST_SCORE else name: value for name, value in metrics.items()}
