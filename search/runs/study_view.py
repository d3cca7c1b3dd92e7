"""The view of a study: how MLflow's UI shows its trials, as a table and as charts."""

from __future__ import annotations

from ...models.settings import Scoring
from ...tracking.run_record import TAG_ID, TAG_ROLE, TAG_STATE, tagged
from ...tracking.saved_views import SavedView, curves, metric, parallel_coordinates, param, tag
from ..storage.study_config import StudyConfig

MOST_PARAMETERS = 20
"""More are not shown: MLflow's tags of experiments hold 5,000 characters, and screens fewer."""


def study_view(study: StudyConfig, created_at: int) -> SavedView:
    """The view of a study's trials, the best first; `created_at` as in `SavedView`."""
    parameters = list(study.space.parameters)[:MOST_PARAMETERS]
    is_validated = study.space.scoring is Scoring.CROSS_VALIDATION
    numbers = [*study.space.objectives, "score_std" if is_validated else "best_epoch"]
    return SavedView(
        key=study.id,
        name=study.name,
        filter=tagged({TAG_ROLE: "trial", TAG_ID: study.id}),
        best_by="score",
        columns=[
            *(metric(name) for name in numbers),
            tag(TAG_STATE),
            *(param(name) for name in parameters),
            metric("train_seconds"),
        ],
        charts=[
            parallel_coordinates(parameters, "score"),
            curves("score"),  # its step is the trial's number
            curves("val_accuracy", "train_accuracy"),
            curves("val_loss", "train_loss"),
        ],
        created_at=created_at,
    )
