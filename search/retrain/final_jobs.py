"""The two trainings of a registered model: its gate model's, and that on all images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...models.checkpoint import Checkpoint
from ...models.settings import knows_its_length
from ...models.split import Rows
from ...places import Places
from ..outbox import discard
from ..runs.records import RunRecords
from ..trainers.jobs import FinalJob
from ..trial import Trial, training_seed
from .gate import GATE, Answers, gate_rows


@dataclass(frozen=True)
class FinalJobs:
    """What is trained, and where the results are until they are shipped.

    Attributes:
        gate: The same training as `refit`, without the gate images.
        refit: That of the model that is registered.
    """

    gate: FinalJob
    refit: FinalJob
    gate_rows: Rows

    @classmethod
    def of(
        cls, run_records: RunRecords, places: Places, trial: Trial, epochs: int | None
    ) -> FinalJobs:
        """Of a trial's parameters; `epochs` is None for as many as gave its score."""
        settings = run_records.space.settings(trial.parameters)
        if epochs is None and knows_its_length(settings):  # a shorter schedule differs throughout
            epochs = int(settings["epochs"])
        elif epochs is None:
            epochs = int(trial.metrics.get("best_epoch", settings["epochs"]))
        del settings["epochs"]
        rows = gate_rows(run_records.data)
        name = f"{run_records.study.label}-{trial.number}-{epochs}"

        def job(folder: str, gate: Rows | None) -> FinalJob:
            return FinalJob(
                settings=settings,
                seed=training_seed(run_records.study.seed, trial.parameters, "final"),
                epochs=epochs,
                folder=places.home / "finals" / folder,
                gate=gate,
            )

        return cls(job(f"{name}-gate", rows), job(name, None), rows)

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

    def artifacts(self, answers: Answers) -> Path:
        """A folder with the answers alone, to be added to a run."""
        folder = self.gate.folder / "artifacts"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / GATE).write_text(answers.text, "utf-8")
        return folder

    def clear(self) -> None:
        """Remove from disk the trainings of a run that is complete in the store."""
        for job in (self.gate, self.refit):
            discard(job.folder)
            Checkpoint(job.checkpoint, 0).remove()
