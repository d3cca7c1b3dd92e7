"""Notes: what the ledger has of a study besides its record and its trials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

RUN = "fmsearch.run"
IMPORTANCES = "fmsearch.importances"


class StudyNotes:
    """The notes of one study."""

    def __init__(self, storage: BaseStorage, study_id: int) -> None:
        self._storage = storage
        self._study_id = study_id

    def note_run(self, run_id: str) -> None:
        """Put on record that the study has this run in MLflow."""
        if run_id != self.run():
            self._storage.set_study_user_attr(self._study_id, RUN, run_id)

    def run(self) -> str:
        """Id of the study's run in MLflow; empty while there is none."""
        return str(self._storage.get_study_user_attrs(self._study_id).get(RUN, ""))

    def note_importances(self, shares: Mapping[str, float]) -> None:
        """Put on record what matters for the scores so far."""
        self._storage.set_study_user_attr(self._study_id, IMPORTANCES, dict(shares))

    def importances(self) -> Mapping[str, float]:
        """What `note_importances` put on record last; empty while there is nothing."""
        noted = self._storage.get_study_user_attrs(self._study_id).get(IMPORTANCES, {})
        return {str(name): float(share) for name, share in noted.items()}
