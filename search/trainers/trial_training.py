"""The training of trials: one network, scored after the epochs of each trial."""

from __future__ import annotations

from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from ...models.checkpoint import Checkpoint
from ...models.fold_training import Report, Stop, Training, train_and_score
from ...models.network import Network
from ...models.paired import packed
from ...models.score import Outcome
from ...models.settings import Scoring
from ..environment import here
from ..result import Result
from ..trial import Verdict
from .jobs import TrainerSetup, TrialJob
from .messages import EpochDone, JobDone, JobEnd, JobFailed, JobPaused
from .publishing import now, publish_result


@dataclass(kw_only=True)
class TrialTraining:
    """Does a `TrialJob`.

    Attributes:
        connection: Gets a message after each epoch, and gives the verdict, where there is one.
        pruned: Why the training was stopped; empty while it goes on.
    """

    job: TrialJob
    network: Network
    setup: TrainerSetup
    connection: Connection
    pruned: str = ""
    started_at: int = field(default_factory=now)

    def run(self) -> JobEnd:
        """Publish the trials that can be scored; failed is the job if others cannot be."""
        job, setup = self.job, self.setup
        most, count = setup.most_parameters, self.network.model.count_params()
        if most is not None and count > most:
            return self._prune_untrained(f"infeasible: {count:,} parameters are more than {most:,}")
        training = Training(
            folds=setup.folds,
            seed=job.seed,
            horizons=sorted(set(job.epochs.values())),
            scoring=setup.scoring,
            metric=setup.metric,
        )
        checkpoint = Checkpoint(job.checkpoint, setup.checkpoint_every)
        start = checkpoint.load()
        if job.ending and start is None:
            return self._prune_untrained(job.ending)
        scored = train_and_score(self.network, training, self._report, checkpoint, start=start)
        if scored.paused is not None:
            checkpoint.keep(scored.paused)
            by_epochs = setup.scoring is Scoring.VALIDATION
            return JobPaused(scored.paused.epoch if by_epochs else scored.paused.fold)
        for trial, epochs in job.epochs.items():
            outcome = scored.outcomes.get(epochs, scored.pruned)
            if outcome is not None:
                self._publish(trial, outcome)
        checkpoint.remove()
        return JobFailed(scored.error) if scored.error else JobDone()

    def _prune_untrained(self, reason: str) -> JobDone:
        self.pruned = reason
        for trial in self.job.epochs:
            self._publish(trial, None)
        return JobDone()

    def _report(self, report: Report) -> Stop | None:
        """Whether to stop here."""
        if self.job.ending:
            self.pruned = self.job.ending
            return Stop.PRUNE
        epochs = max(self.job.epochs.values())
        where = (report.fold, len(self.setup.folds), report.epoch.epoch, epochs)
        self.connection.send(EpochDone(*where, report.epoch.val_accuracy, report.scores))
        if report.scores and self.setup.judged:
            verdict: Verdict = self.connection.recv()
            self.pruned = verdict.prune
            if verdict.pause:
                return Stop.PAUSE
        return Stop.PRUNE if self.pruned else None

    def _publish(self, trial: int, outcome: Outcome | None) -> None:
        """Publish a trial's result; without an outcome it was not trained."""
        folds = outcome.folds if outcome else ()
        result = Result(
            settings={**self.job.settings, "epochs": self.job.epochs[trial]},
            seed=self.job.seed,
            metrics=outcome.metrics if outcome and not self.pruned else {},
            history=outcome.history if outcome else (),
            confusion=tuple(map(tuple, outcome.confusion.tolist())) if outcome else (),
            parameters=self.network.model.count_params(),
            fit_seconds=tuple(fold.fit_seconds for fold in folds),
            score_seconds=tuple(fold.score_seconds for fold in folds),
            started_at=self.started_at,
            finished_at=outcome.history[-1].measured_at if outcome else now(),
            pruned=self.pruned,
            environment=here(),
            right=self._right(outcome) if outcome and not self.pruned else "",
        )
        if outcome is not None:
            self.network.model.set_weights(outcome.median_fold.weights)
        with_model = self.setup.keep_models and not self.pruned
        publish_result(self.job.entries[trial], result, self.network, with_model=with_model)

    def _right(self, outcome: Outcome) -> str:
        is_held_out = self.setup.scoring is Scoring.VALIDATION
        return packed(outcome.folds[0].right) if is_held_out else ""
