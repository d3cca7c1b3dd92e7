"""Descriptions of runs, in Markdown: what came out of a study, and of a trial."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ...models.data import DataSet
from ...models.metrics import ACCURACY
from ...models.paired import Flags, Pair
from ...models.settings import Scoring
from ...models.split import Split
from ...text import markdown
from ..space.score_words import metric_words, score_words, scored_on
from ..storage.study_config import StudyConfig
from ..trial import Trial, ranking
from .tables import shown

BEST = 5
"""So many trials are listed."""
UNLIKELY = 0.05
"""Below this p a score counts as lower than the best one."""
UNKNOWN = "not compared"
MOST_CHARACTERS = 60
"""Of a parameter's value."""


@dataclass(frozen=True, kw_only=True)
class StudyResult:
    """What came out of a study.

    Attributes:
        split: Of the training images.
        trials: All of them.
        importances: Share of each parameter in the differences of the scores.
        run_address: Gives the address of a trial's run in MLflow's UI; empty if it has none.
        view_address: Of the study's trials, as a table.
        charts_address: Of the study's trials, as charts.
        picture_address: Gives the address of an artifact, by the address of its run and its path.
        right: Gives whether a trial is right about each validation image; None if that is not
            known, as of a trial of an earlier version.
        figures: Paths of the search's figures among the artifacts of the study's run.
    """

    config: StudyConfig
    data: DataSet
    split: Split
    trials: Sequence[Trial]
    importances: Mapping[str, float]
    run_address: Callable[[Trial], str]
    view_address: str
    charts_address: str
    picture_address: Callable[[Trial | None, str], str]
    right: Callable[[Trial], Flags | None] = lambda trial: None
    figures: Sequence[str] = ()


def describe_trial(study: StudyConfig, trial: Trial) -> str:
    """Two lines: how a trial ended, and the searched parameters."""
    ended = trial.state.value
    if trial.score is not None:
        ended = f"score {score_words(study.space, trial.score, trial.metrics)}"
    why = f": {markdown(trial.reason)}" if trial.reason else ""
    return f"**{ended}**{why}  \n{_parameters(trial)}"


def describe_study(result: StudyResult) -> str:
    """What was searched, the best trials, what mattered, pictures, and where to go on."""
    study, best = result.config, ranking(result.trials)[:BEST]
    parts = [markdown(study.space.about), _searched(result)]
    if best:
        parts += [_best(result, best[0]), _table(result, best)]
    if result.importances:
        shares = (f"{markdown(name)} {share:.0%}" for name, share in result.importances.items())
        parts.append(f"**What mattered** (share in the differences of scores): {', '.join(shares)}")
    view, charts = result.view_address, result.charts_address
    parts.append(f"[All trials, the best first]({view}) · [as charts]({charts})")
    if best:
        parts.append(f"Next: `fmsearch register --study {study.name}`")
        parts += _pictures(result, best[0])
    return "\n\n".join(part for part in parts if part)


def _searched(result: StudyResult) -> str:
    space = result.config.space
    images = len(result.split.train)
    counts = Counter(trial.state.value for trial in result.trials)
    states = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
    return (
        f"**{len(result.trials)} trials** ({states}) of the space `{space.name}`, model "
        f"`{markdown(space.model)}`, on {images:,} images of {markdown(result.data.name)}; "
        f"score: {scored_on(space)}."
    )


def _best(result: StudyResult, best: Trial) -> str:
    score = _score(result, best)
    return f"**Best: {_link(result, best)}, score {score}**  \n{_parameters(best)}"


def _table(result: StudyResult, best: Sequence[Trial]) -> str:
    lines = ["| trial | score | as good as the best? | parameters |", "|---|---|---|---|"]
    verdicts = ["best", *(_verdict(_p(result, best[0], trial)) for trial in best[1:])]
    if not _is_tested(result.config):
        verdicts[1:] = [""] * len(verdicts[1:])
    for trial, verdict in zip(best, verdicts, strict=True):
        score = _score(result, trial)
        lines.append(f"| {_link(result, trial)} | {score} | {verdict} | {_parameters(trial)} |")
    if not _is_tested(result.config):
        note = f"No test: {metric_words(result.config.space)} is no share of the images."
        return "\n".join(lines) + f"\n\n{note}"
    test = (
        "Paired t-test over the same folds."
        if _is_validated(result.config)
        else "McNemar's exact test on the same validation images."
    )
    if UNKNOWN in verdicts:
        test += f" {UNKNOWN.capitalize()}: it is not on record which images a trial is right about."
    return "\n".join(lines) + f"\n\n{test} ± is the standard {_of_what(result.config)}."


def _is_tested(study: StudyConfig) -> bool:
    """Whether there is a test of two trials: of folds, or of shares of the same images."""
    return _is_validated(study) or _is_share(study)


def _verdict(p: float | None) -> str:
    if p is None:
        return UNKNOWN
    said = f"p = {p:.2f}" if p >= 0.01 else "p < 0.01"
    return said if p < UNLIKELY else f"{said}, not told apart"


def _p(result: StudyResult, best: Trial, other: Trial) -> float | None:
    """How often chance alone sets a trial so far from the best one, two-sided; None if unknown."""
    if _is_validated(result.config):
        return p_over_folds(best, other)
    first, second = result.right(best), result.right(other)
    if first is None or second is None or len(first) != len(second):
        return None
    return Pair.of(first, second).p_different


def p_over_folds(best: Trial, other: Trial) -> float:
    """Two-sided p of a paired t-test over the same folds."""
    from scipy.stats import ttest_rel

    if best.fold_scores == other.fold_scores:
        return 1.0
    p = float(ttest_rel(best.fold_scores, other.fold_scores).pvalue)
    return p if math.isfinite(p) else 0.0  # all folds differ by the same


def _held_out(result: StudyResult) -> int:
    return len(result.split.validation)


def _pictures(result: StudyResult, best: Trial) -> list[str]:
    address = result.picture_address(best, "figures/confusion_matrix.png")
    ours = [(f"confusion matrix of trial {best.number}", address)]
    for path in result.figures:
        name = path.rpartition("/")[2].partition(".")[0].replace("_", " ")
        ours.append((name, result.picture_address(None, path)))
    return [f"![{name}]({where})" for name, where in ours if where]


def _link(result: StudyResult, trial: Trial) -> str:
    where = result.run_address(trial)
    return f"[trial {trial.number}]({where})" if where else f"trial {trial.number}"


def _is_validated(study: StudyConfig) -> bool:
    return study.space.scoring is Scoring.CROSS_VALIDATION


def _of_what(study: StudyConfig) -> str:
    return "deviation over folds" if _is_validated(study) else "error of a share of the images"


def _is_share(study: StudyConfig) -> bool:
    """Whether a score is a share of the images."""
    return study.space.metric == ACCURACY


def _score(result: StudyResult, trial: Trial) -> str:
    """The score and its spread: over folds or, of a share of some images, its standard error."""
    score = trial.score or 0.0
    if "score_std" in trial.metrics:
        return f"{score:.4f} ± {trial.metrics['score_std']:.4f}"
    if not _is_share(result.config):
        return f"{score:.4f}"
    return f"{score:.4f} ± {math.sqrt(score * (1 - score) / _held_out(result)):.4f}"


def _parameters(trial: Trial) -> str:
    parts = (f"{name}={shown(one)[:MOST_CHARACTERS]}" for name, one in trial.parameters.items())
    return markdown(", ".join(parts))
