"""What outbox and MLflow have of studies that the storage does not have, or no longer."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from ...places import Places
from ...tracking.run_record import TAG_ID, TAG_ROLE, TAG_STUDY, tagged
from ...tracking.store import Store
from ..storage.study_config import StudyConfig
from ..study.sync import labels_of, unknown_outboxes


def unknown_studies(
    places: Places, known: Sequence[StudyConfig], damaged: Collection[str]
) -> Iterator[str]:
    """One line for each; a server may have runs of others' storages, and is not asked.

    Args:
        places: Of the store.
        known: The studies that the storage has.
        damaged: Names of those that it has, too, but whose records cannot be read.
    """
    labels = {study.label for study in known}
    yield from unknown_outboxes(places, labels.union(*(labels_of(places, one) for one in damaged)))
    if places.is_server or not places.has_runs:
        return
    store = Store(places)
    search, which = store.client.search_runs, tagged({TAG_ROLE: "study"})
    runs = store.again(lambda: search([store.experiment_id], which))
    ids = {study.id for study in known}
    for run in runs:
        if run.data.tags.get(TAG_ID) not in ids and run.data.tags.get(TAG_STUDY) not in damaged:
            yield (
                f"MLflow has the study {run.data.tags.get(TAG_STUDY)!r} ({run.info.run_id}), and "
                "the storage does not; put a backup of that in its place, or delete those runs"
            )
