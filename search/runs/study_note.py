"""The note of a study's run: its description, with addresses in MLflow's UI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    found: dict[int, str] = {}

    def run_of(trial: Trial) -> str:
        if trial.number not in found:
            run = store.find(trial_identity(study, trial.number))
            found[trial.number] = str(run.info.run_id) if run else ""
        return found[trial.number]

    def link(trial: Trial) -> str:
        return run_address(experiment, run_of(trial)) if run_of(trial) else ""

    def picture(trial: Trial | None, path: str) -> str:
        whose = run_id if trial is None else run_of(trial)
        return picture_address(whose, path) if whose else ""

    def right(trial: Trial) -> Flags | None:
        run = run_of(trial)
        return read_right(artifact_text(store, run, RIGHT)) if run else None

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
            right=right,
            figures=[str(one.relative_to(artifacts)) for one in pictures],
        )
    )
