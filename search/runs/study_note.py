"""The note of a study's run: its description, with addresses in MLflow's UI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from ...models.paired import Flags
from ...tracking.saved_views import picture_address, run_address, view_address
from ...tracking.store import Store
from ...tracking.stored_runs import artifact_text
from ..trial import Trial
from .artifacts import read_right
from .description import StudyResult, describe_study
from .records import RunRecords
from .schema import RIGHT
from .values import trial_identity


def study_note(
    run_records: RunRecords,
    store: Store,
    run_id: str,
    trials: Sequence[Trial],
    *,
    importances: Mapping[str, float],
    artifacts: Path,
) -> str:
    """What came out of a study so far, in Markdown.

    Args:
        run_records: Of the study.
        store: Has the runs of its best trials, unless they wait in the outbox.
        run_id: Of the study.
        trials: All of them.
        importances: As in `StudyResult`.
        artifacts: The folder of the artifacts of its run.
    """
    study, experiment = run_records.study, store.experiment_id

    @cache
    def run_of(number: int) -> str:
        run = store.find(trial_identity(study, number))
        return str(run.info.run_id) if run else ""

    def link(trial: Trial) -> str:
        run = run_of(trial.number)
        return run_address(experiment, run) if run else ""

    def picture(trial: Trial | None, path: str) -> str:
        whose = run_id if trial is None else run_of(trial.number)
        return picture_address(whose, path) if whose else ""

    pictures = sorted(artifacts.glob("figures/search/*.png"))
    return describe_study(
        StudyResult(
            config=study,
            data=run_records.data,
            split=run_records.split,
            trials=trials,
            importances=importances,
            run_address=link,
            view_address=view_address(experiment, study.id),
            charts_address=view_address(experiment, study.id, charts=True),
            picture_address=picture,
            right=lambda trial: _right(store, run_of(trial.number)),
            figures=[str(one.relative_to(artifacts)) for one in pictures],
        )
    )


def _right(store: Store, run_id: str) -> Flags | None:
    return read_right(artifact_text(store, run_id, RIGHT)) if run_id else None
