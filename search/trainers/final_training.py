"""The training of a model that is reported, and its one look at the test images."""

from __future__ import annotations

import logging
import time
from multiprocessing.connection import Connection

import numpy as np

from ...models.checkpoint import Checkpoint
from ...models.fold_training import Progress
from ...models.network import Network
from ...models.split import Fold, Rows
from ...models.training import Epoch, FitState, fit
from ..environment import here
from ..result import Result
from .jobs import FinalJob
from .messages import EpochDone
from .publishing import now, publish_result

log = logging.getLogger(__name__)


def train_final(
    job: FinalJob,
    network: Network,
    *,
    train: Rows,
    test: Rows,
    checkpoint: Checkpoint,
    connection: Connection,
) -> str:
    """Publish the one model; gives the reason why not, if any.

    Args:
        job, checkpoint: What to train, and from where.
        network: Of all images; `train` and `test` are the rows of the data set's two parts.
        connection: Gets a message after each epoch.
    """
    started_at = now()
    fold = job.fold or Fold(_without(train, job.gate), train[:0])
    history: tuple[Epoch, ...] = ()
    if job.trained:
        network.model.load_weights(job.trained)
    else:
        history = _fit(job, network, fold, checkpoint, connection)
        if diverged := history[-1].diverged:
            checkpoint.remove()
            return diverged
    rows = test if job.gate is None else job.gate
    result = _tested(job, network, fold, rows, history=history, started_at=started_at)
    publish_result(
        job.folder,
        result,
        network,
        with_model=job.gate is None and job.trained is None,
        with_drawing=job.in_detail,
        predicted=None if job.gate is None else network.predict(job.gate),
    )
    checkpoint.remove()
    return ""


def _tested(
    job: FinalJob,
    network: Network,
    fold: Fold,
    rows: Rows,
    *,
    history: tuple[Epoch, ...],
    started_at: int,
) -> Result:
    """The result of a training that is over, from its one look at `rows`."""
    part = "test" if job.gate is None else "gate"
    log.info("evaluating on the %s images", part)
    begin = time.perf_counter()
    tested = network.evaluate(rows)
    tested_in = time.perf_counter() - begin
    metrics = {f"{part}_accuracy": tested.accuracy, f"{part}_loss": tested.loss}
    if job.in_detail:
        fitted = network.evaluate(fold.train)
        metrics |= {"fit_accuracy": fitted.accuracy, "fit_loss": fitted.loss}
        metrics["trainable_parameters"] = network.trainable_parameters
    return Result(
        settings={**job.settings, "epochs": job.epochs},
        seed=job.seed,
        metrics=metrics,
        history=history,
        confusion=tuple(map(tuple, tested.confusion.tolist())),
        parameters=network.model.count_params(),
        fit_seconds=(sum(epoch.seconds for epoch in history),),
        score_seconds=(tested_in,),
        started_at=started_at,
        finished_at=now(),
        environment=here(),
    )


def _without(rows: Rows, gate: Rows | None) -> Rows:
    return rows if gate is None else np.setdiff1d(rows, gate)


def _fit(
    job: FinalJob, network: Network, fold: Fold, checkpoint: Checkpoint, connection: Connection
) -> tuple[Epoch, ...]:
    """Train from the last checkpoint to the end, or to the first epoch that diverges."""
    kept = checkpoint.load()
    start = kept.state if kept else None
    history = start.history if start else ()
    for epoch, _ in fit(network, fold, job.seed, job.epochs, start=start):
        history = (*history, epoch)
        if epoch.diverged:
            break
        connection.send(EpochDone(1, 1, epoch.epoch, job.epochs, epoch.val_accuracy))
        if checkpoint.due():
            checkpoint.keep(Progress(1, FitState(history, network.state()), {}))
    return history
