"""A trainer: the process that trains, one job at a time."""

from __future__ import annotations

import signal
import time
from collections import OrderedDict
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..models.cross_validation import cross_validate
from ..models.data import Images, load_test, load_training
from ..models.families import FAMILIES
from ..models.network import Network, Pixels, use_one_thread
from ..models.split import Fold
from ..models.training import Epoch, fit
from .job import EpochDone, FinalJob, Job, JobDone, JobFailed, Message, TrainerSetup, TrialJob
from .result import MODEL, SUMMARY, Result, new_folder, publish, write_result

CACHED_NETWORKS = 8


def run_trainer(connection: Connection, setup: TrainerSetup) -> None:
    """Take jobs from the connection until it closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the coordinator decides what Ctrl-C means
    use_one_thread()
    try:
        trainer = _Trainer(connection, setup)
        while True:
            trainer.answer(connection.recv())
    except (EOFError, BrokenPipeError):  # the coordinator is gone
        return


class _Trainer:
    def __init__(self, connection: Connection, setup: TrainerSetup) -> None:
        self._connection = connection
        self._setup = setup
        self._data = Pixels(load_training(setup.data), setup.classes)
        self._networks: OrderedDict[tuple[object, ...], Network] = OrderedDict()

    def answer(self, job: Job) -> None:
        error = self._run_trials(job) if isinstance(job, TrialJob) else self._run_final(job)
        self._send(JobFailed(error) if error else JobDone())

    def _send(self, message: Message) -> None:
        self._connection.send(message)

    def _run_trials(self, job: TrialJob) -> str:
        """Publish the trials that can be scored; gives the reason why others cannot, if any."""
        network = self._network(self._data, job)
        folds = self._setup.folds
        horizons = sorted(set(job.epochs.values()))
        started_at = _now()

        def report(fold: int, epoch: Epoch) -> None:
            self._report(fold, len(folds), epoch, horizons[-1])

        outcomes, error = cross_validate(network, folds, job.seed, horizons, report)
        for trial, epochs in job.epochs.items():
            if epochs not in outcomes:
                continue
            outcome = outcomes[epochs]
            network.model.set_weights(outcome.median_fold.weights)
            self._publish(
                job.entries[trial],
                network,
                Result(
                    settings={**job.settings, "epochs": epochs},
                    seed=job.seed,
                    metrics=outcome.metrics,
                    history=outcome.history,
                    confusion=_rows(outcome.confusion),
                    parameters=network.model.count_params(),
                    fit_seconds=tuple(fold.fit_seconds for fold in outcome.folds),
                    score_seconds=tuple(fold.score_seconds for fold in outcome.folds),
                    started_at=started_at,
                    finished_at=outcome.history[-1].measured_at,
                ),
            )
        return error

    def _run_final(self, job: FinalJob) -> str:
        train, test = load_training(self._setup.data), load_test(self._setup.data)
        both = Images(
            np.concatenate([train.pixels, test.pixels]),
            np.concatenate([train.labels, test.labels]),
        )
        rows = np.arange(len(both), dtype=np.int32)
        train_rows, test_rows, none = rows[: len(train)], rows[len(train) :], rows[:0]
        network = self._network(Pixels(both, self._setup.classes), job)
        started_at, history = _now(), []
        for epoch, _ in fit(network, Fold(train_rows, none), job.seed, job.epochs):
            if epoch.diverged:
                return epoch.diverged
            history.append(epoch)
            self._report(1, 1, epoch, job.epochs)
        begin = time.perf_counter()
        tested = network.evaluate(test_rows)
        tested_in = time.perf_counter() - begin
        self._publish(
            job.folder,
            network,
            Result(
                settings={**job.settings, "epochs": job.epochs},
                seed=job.seed,
                metrics={"test_accuracy": tested.accuracy, "test_loss": tested.loss},
                history=tuple(history),
                confusion=_rows(tested.confusion),
                parameters=network.model.count_params(),
                fit_seconds=(sum(epoch.seconds for epoch in history),),
                score_seconds=(tested_in,),
                started_at=started_at,
                finished_at=_now(),
            ),
        )
        return ""

    def _network(self, data: Pixels, job: Job) -> Network:
        """The network for a job's settings; the last few are kept with their compiled graphs."""
        family = FAMILIES[job.family]
        architecture = {name: job.settings[name] for name in family.architecture}
        key = (id(data), job.family, family.graph(job.settings))
        network = self._networks.pop(key, None)
        if network is None:
            network = Network(
                data,
                job.family,
                architecture,
                batch_size=int(job.settings["batch_size"]),
                optimizer=str(job.settings["optimizer"]),
            )
        network.architecture = architecture
        self._networks[key] = network
        if len(self._networks) > CACHED_NETWORKS:
            self._networks.popitem(last=False)
        return network

    def _report(self, fold: int, folds: int, epoch: Epoch, epochs: int) -> None:
        self._send(EpochDone(fold, folds, epoch.epoch, epochs, epoch.val_accuracy))

    def _publish(self, entry: Path, network: Network, result: Result) -> None:
        part = new_folder(entry)
        write_result(part, result)
        (part / SUMMARY).write_text(network.summary(), "utf-8")
        network.model.save(part / MODEL)
        publish(part, entry)


def _rows(confusion: npt.NDArray[np.int64]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(row) for row in confusion.tolist())


def _now() -> int:
    return time.time_ns() // 1_000_000
