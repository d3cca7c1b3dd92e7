"""A trainer: the process that trains, one job at a time."""

from __future__ import annotations

import logging
import re
import signal
import time
from collections import OrderedDict
from collections.abc import Mapping
from functools import cached_property
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...errors import FmsearchError, full_disk
from ...models.architecture import draw_architecture
from ...models.checkpoint import Checkpoint
from ...models.data import Images, load_test, load_training
from ...models.families import FAMILIES, find_family
from ...models.fold_training import Progress, Report, Training, train_and_score
from ...models.network import Network, Pixels, use_one_thread
from ...models.quiet_tensorflow import MEMORY_ERRORS
from ...models.score import Outcome
from ...models.settings import Value
from ...models.split import Fold
from ...models.training import Epoch, FitState, fit
from ...text import one_line
from ..environment import here
from ..outbox import ARCHITECTURE, MODEL, SUMMARY, new_folder, publish, write_result
from ..result import Result
from .jobs import CheckJob, FinalJob, Job, TrainerSetup, TrialJob
from .messages import OUT_OF_MEMORY, DiskFull, EpochDone, JobDone, JobFailed, Message, Verdict

log = logging.getLogger(__name__)

CACHED_NETWORKS = 8
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def run_trainer(connection: Connection, setup: TrainerSetup) -> None:
    """Take jobs from the connection until it closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the coordinator decides what Ctrl-C means
    use_one_thread()
    try:
        trainer = Trainer(connection, setup)
        while True:
            trainer.answer(connection.recv())
    except (EOFError, ConnectionError):  # the coordinator is gone
        return
    except MEMORY_ERRORS:
        raise SystemExit(OUT_OF_MEMORY) from None  # the next process begins with none of it taken


def _line(text: str) -> str:
    """A message as one printable line without colours, which Keras' have."""
    return one_line(COLOUR.sub("", text))


class Trainer:
    """Answers jobs, one after the other; messages go through the connection."""

    def __init__(self, connection: Connection, setup: TrainerSetup) -> None:
        self._connection = connection
        self._setup = setup
        self._family = find_family(setup.model, setup.parameters)
        self._data = Pixels(load_training(setup.data), setup.classes)
        self._networks: OrderedDict[tuple[object, ...], Network] = OrderedDict()

    def answer(self, job: Job) -> None:
        """Do a job, and say how it ended."""
        try:
            error = self._run(job)
        except FmsearchError as fault:  # of a user's own model
            error = _line(str(fault))
        except (EOFError, ConnectionError, *MEMORY_ERRORS):
            raise
        except Exception as fault:
            if line := full_disk(fault):
                self._send(DiskFull(line))
                return
            if self._setup.model in FAMILIES:
                raise
            # What a user's layers raise when they are trained; the study goes on.
            log.info("training failed", exc_info=True)
            error = _line(f"{type(fault).__name__}: {fault}")
        self._send(JobFailed(error) if error else JobDone())

    def _run(self, job: Job) -> str:
        if isinstance(job, TrialJob):
            return self._run_trials(job)
        if isinstance(job, FinalJob):
            return self._run_final(job)
        return self._check(job)

    def _send(self, message: Message) -> None:
        self._connection.send(message)

    def _run_trials(self, job: TrialJob) -> str:
        """Publish the trials that can be scored; gives the reason why others cannot, if any."""
        network = self._network(self._data, job.settings)
        started_at = _now()
        most = self._setup.most_parameters
        count = network.model.count_params()
        if most is not None and count > most:
            reason = f"infeasible: {count:,} parameters are more than {most:,}"
            for trial, epochs in job.epochs.items():
                self._publish_trial(job, trial, epochs, network, None, started_at, reason)
            return ""
        folds = self._setup.folds
        horizons = sorted(set(job.epochs.values()))
        training = Training(folds, job.seed, horizons, self._setup.scoring)
        pruned = ""

        def report(one: Report) -> bool:
            nonlocal pruned
            where = (one.fold, len(folds), one.epoch.epoch, horizons[-1])
            self._send(EpochDone(*where, one.epoch.val_accuracy, one.scores))
            if one.scores and self._setup.judged:
                verdict: Verdict = self._connection.recv()
                pruned = verdict.prune
            return bool(pruned)

        checkpoint = Checkpoint(job.checkpoint, self._setup.checkpoint_every)
        scored = train_and_score(network, training, report, checkpoint, checkpoint.load())
        for trial, epochs in job.epochs.items():
            outcome = scored.outcomes.get(epochs, scored.pruned)
            if outcome is not None:
                self._publish_trial(job, trial, epochs, network, outcome, started_at, pruned)
        checkpoint.remove()
        return scored.error

    def _publish_trial(
        self,
        job: TrialJob,
        trial: int,
        epochs: int,
        network: Network,
        outcome: Outcome | None,
        started_at: int,
        pruned: str,
    ) -> None:
        """Publish a trial's result; without an outcome it was not trained."""
        result = Result(
            settings={**job.settings, "epochs": epochs},
            seed=job.seed,
            metrics=outcome.metrics if outcome and not pruned else {},
            history=outcome.history if outcome else (),
            confusion=_rows(outcome.confusion) if outcome else (),
            parameters=network.model.count_params(),
            fit_seconds=tuple(fold.fit_seconds for fold in outcome.folds) if outcome else (),
            score_seconds=tuple(fold.score_seconds for fold in outcome.folds) if outcome else (),
            started_at=started_at,
            finished_at=outcome.history[-1].measured_at if outcome else _now(),
            pruned=pruned,
            environment=here(),
        )
        if outcome is not None:
            network.model.set_weights(outcome.median_fold.weights)
        with_model = self._setup.keep_models and not pruned
        self._publish(job.entries[trial], network, result, with_model=with_model)

    def _run_final(self, job: FinalJob) -> str:
        """Publish the one model; gives the reason why not, if any."""
        count, everything = self._everything
        rows = np.arange(count, dtype=np.int32)
        test_rows, none = np.arange(count, len(everything), dtype=np.int32), rows[:0]
        fold = job.fold or Fold(rows, none)
        network = self._network(everything, job.settings)
        started_at = _now()
        checkpoint = Checkpoint(job.checkpoint, self._setup.checkpoint_every)
        kept = checkpoint.load()
        start = kept.state if kept else None
        history = start.history if start else ()
        for epoch, _ in fit(network, fold, job.seed, job.epochs, start):
            if epoch.diverged:
                checkpoint.remove()
                return epoch.diverged
            history = (*history, epoch)
            self._report(epoch, job.epochs)
            if checkpoint.due():
                checkpoint.keep(Progress(1, FitState(history, network.state()), {}))
        log.info("evaluating on the test images")
        begin = time.perf_counter()
        tested = network.evaluate(test_rows)
        tested_in = time.perf_counter() - begin
        metrics = {"test_accuracy": tested.accuracy, "test_loss": tested.loss}
        if job.in_detail:
            fitted = network.evaluate(fold.train)
            metrics |= {"fit_accuracy": fitted.accuracy, "fit_loss": fitted.loss}
            metrics["trainable_parameters"] = network.trainable_parameters
        result = Result(
            settings={**job.settings, "epochs": job.epochs},
            seed=job.seed,
            metrics=metrics,
            history=history,
            confusion=_rows(tested.confusion),
            parameters=network.model.count_params(),
            fit_seconds=(sum(epoch.seconds for epoch in history),),
            score_seconds=(tested_in,),
            started_at=started_at,
            finished_at=_now(),
            environment=here(),
        )
        self._publish(job.folder, network, result, with_model=True, in_detail=job.in_detail)
        checkpoint.remove()
        return ""

    @cached_property
    def _everything(self) -> tuple[int, Pixels]:
        """All images, those for the test behind the others, and how many those others are."""
        train, test = load_training(self._setup.data), load_test(self._setup.data)
        both = Images(
            np.concatenate([train.pixels, test.pixels]),
            np.concatenate([train.labels, test.labels]),
        )
        return len(train), Pixels(both, self._setup.classes)

    def _check(self, job: CheckJob) -> str:
        """Build a user's own network once."""
        self._family.make(self._data.image_shape, self._setup.classes, job.settings)
        return ""

    def _network(self, data: Pixels, settings: Mapping[str, Value]) -> Network:
        """The network for a job's settings; the last few are kept with their compiled graphs."""
        key = (id(data), self._family.graph(settings))
        network = self._networks.pop(key, None) or Network(data, self._family, settings)
        network.settings = settings
        self._networks[key] = network
        if len(self._networks) > CACHED_NETWORKS:
            self._networks.popitem(last=False)
        return network

    def _report(self, epoch: Epoch, epochs: int) -> None:
        self._send(EpochDone(1, 1, epoch.epoch, epochs, epoch.val_accuracy))

    def _publish(
        self,
        entry: Path,
        network: Network,
        result: Result,
        *,
        with_model: bool,
        in_detail: bool = False,
    ) -> None:
        log.info("saving %s", entry.name)
        part = new_folder(entry)
        write_result(part, result)
        (part / SUMMARY).write_text(network.summary(), "utf-8")
        if in_detail:
            draw_architecture(part / ARCHITECTURE, network.model)
        if with_model:
            network.model.save(part / MODEL)
        publish(part, entry)


def _rows(confusion: npt.NDArray[np.int64]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(row) for row in confusion.tolist())


def _now() -> int:
    return time.time_ns() // 1_000_000
