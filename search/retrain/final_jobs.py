"""The two jobs of a registered model: its gate model's, and that on all images."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from ...models.checkpoint import Checkpoint
from ...models.settings import knows_its_length
from ...models.split import Rows
from ...places import Places
from ..runs.records import RunRecords
from ..trainers.jobs import FinalJob
from ..trial import Trial, training_seed
from ..whole_folders import discard
from .gate import GATE, Answers, gate_rows
from .model_card import MODEL_CARD


@dataclass(frozen=True)
class FinalJobs:
    """What is trained, and where the results are until they are shipped.

    Attributes:
        gate: The same training as `refit`, without the gate images.
        refit: That of the model that is registered.
        own: Where a trial's own model stands, if nothing is trained.
    """

    gate: FinalJob
    refit: FinalJob
    gate_rows: Rows
    own: Path

    @classmethod
    def of(
        cls,
        run_records: RunRecords,
        places: Places,
        trial: Trial,
        epochs: int | None,
        *,
        is_own: bool = False,
    ) -> FinalJobs:
        """Of a trial's parameters, or of its own model.

        Args:
            run_records, places, trial: What is trained, and where results wait.
            epochs: None for as many as gave its score.
            is_own: Whether nothing is trained: the trial's own model answers in both jobs.
        """
        settings = run_records.space.settings(trial.parameters)
        # A shorter schedule differs throughout.
        if epochs is None and knows_its_length(settings) and not is_own:
            epochs = int(settings["epochs"])
        elif epochs is None:
            epochs = int(trial.metrics.get("best_epoch", settings["epochs"]))
        del settings["epochs"]
        rows = gate_rows(run_records.data)
        name = f"{run_records.study.label}-{trial.number}-{'own' if is_own else epochs}"
        finals, more = places.home / "finals", () if is_own else ("final",)
        own = finals / f"{name}.keras"

        def job(folder: str, gate: Rows | None) -> FinalJob:
            return FinalJob(
                settings=settings,
                seed=training_seed(run_records.study.seed, trial.parameters, *more),
                epochs=epochs,
                folder=finals / folder,
                gate=gate,
                trained=own if is_own else None,
            )

        return cls(job(f"{name}-gate", rows), job(name, None), rows, own)

    @property
    def epochs(self) -> int:
        return self.refit.epochs

    @property
    def gate_trainings(self) -> list[FinalJob]:
        """That of the gate model; none of a data set so small that it has no gate images."""
        return [self.gate] if len(self.gate_rows) else []

    @property
    def trainings(self) -> list[FinalJob]:
        """Both, in their order."""
        return [*self.gate_trainings, self.refit]

    def artifacts(self, answers: Answers, card: str = "") -> Path:
        """A folder with the answers, and a model's card if there is one, to be added to a run."""
        folder = self.gate.folder / "artifacts"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / GATE).write_text(answers.text, "utf-8")
        if card:
            (folder / MODEL_CARD).write_text(card, "utf-8")
        return folder

    def clear(self) -> None:
        """Remove from disk the trainings of a run that is complete in the store."""
        for job in (self.gate, self.refit):
            discard(job.folder)
            Checkpoint(job.checkpoint, 0).remove()
        self.own.unlink(missing_ok=True)
