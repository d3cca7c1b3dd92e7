"""A trainer: the process that trains, one job at a time."""

from __future__ import annotations

import logging
import os
import re
import signal
import tempfile
from collections import OrderedDict
from collections.abc import Mapping
from functools import cached_property
from multiprocessing.connection import Connection

import numpy as np

from ...errors import FmsearchError, full_disk, too_little_memory
from ...models.checkpoint import Checkpoint
from ...models.data import load_parts, load_training
from ...models.families import FAMILIES, find_family
from ...models.latency import seconds_an_image
from ...models.metrics import find_metric, try_metric
from ...models.network import Network, Pixels, use_one_thread
from ...models.quiet_tensorflow import MEMORY_ERRORS, NOT_FOLLOWED
from ...models.settings import Value
from ...text import one_line
from ..processes.fork_server import MachineFailed
from .final_training import train_final
from .jobs import CheckJob, FinalJob, Job, LatencyJob, LoadJob, MetricJob, TrainerSetup, TrialJob
from .messages import NO_TEMPORARY_FILES, OUT_OF_MEMORY, JobDone, JobEnd, JobFailed
from .saved_model import load_to_check, save_to_check
from .trial_training import TrialTraining

log = logging.getLogger(__name__)

CACHED_NETWORKS = 8
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def run_trainer(connection: Connection, setup: TrainerSetup) -> None:
    """Take jobs from the connection until it closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the coordinator decides what Ctrl-C means
    use_one_thread()
    for line in NOT_FOLLOWED:
        log.info(line)
    try:
        trainer = Trainer(connection, setup)
        while True:
            trainer.answer(connection.recv())
    except (EOFError, ConnectionError):  # the coordinator is gone
        return
    except MEMORY_ERRORS:
        raise SystemExit(OUT_OF_MEMORY) from None  # the next process begins with none of it taken


class Trainer:
    """Answers jobs, one after the other; messages go through the connection."""

    def __init__(self, connection: Connection, setup: TrainerSetup) -> None:
        self._connection = connection
        self._setup = setup
        try:  # what has no link is removed
            self._temporary = os.open(tempfile.gettempdir(), os.O_RDONLY)
        except FileNotFoundError:
            raise SystemExit(NO_TEMPORARY_FILES) from None
        self._family = find_family(setup.model, setup.parameters)
        self._networks: OrderedDict[tuple[object, ...], Network] = OrderedDict()

    def answer(self, job: Job) -> None:
        """Do a job, and say how it ended."""
        try:
            self._load(job)
        except MEMORY_ERRORS:
            raise
        except Exception as fault:  # no job would end otherwise
            self._connection.send(MachineFailed.by(fault, "no training can begin here"))
            return
        try:
            end = self._do(job)
        except (EOFError, ConnectionError, *MEMORY_ERRORS):
            raise
        except Exception as fault:
            if os.fstat(self._temporary).st_nlink == 0:
                raise SystemExit(NO_TEMPORARY_FILES) from None
            if full_disk(fault) or _home_is_gone(job):
                self._connection.send(MachineFailed.by(fault, "the folder of results is gone"))
                return
            if too_little_memory(fault):
                raise MemoryError from fault
            end = JobFailed(self._error(fault))
        self._connection.send(end)

    def _error(self, fault: Exception) -> str:
        """What a user's own model or layers raised, in a line; raises the error of any other."""
        if isinstance(fault, FmsearchError):
            return _line(str(fault))
        if self._setup.model in FAMILIES:
            raise fault
        log.info("training failed", exc_info=fault)
        return _line(f"{type(fault).__name__}: {fault}")

    def _load(self, job: Job) -> None:
        """Read the images of a job, if they are not there yet."""
        if not isinstance(job, LoadJob):
            _ = self._all_images if isinstance(job, FinalJob) else self._training_images

    def _do(self, job: Job) -> JobEnd:
        """Do a job; it has failed if a part of it cannot be done."""
        if isinstance(job, TrialJob):
            network = self._network(self._training_images, job.settings)
            return TrialTraining(
                job=job, network=network, setup=self._setup, connection=self._connection
            ).run()
        error = self._do_once(job)
        return JobFailed(error) if error else JobDone()

    def _do_once(self, job: FinalJob | LatencyJob | LoadJob | MetricJob | CheckJob) -> str:
        """Do a job of which nothing can be done in part; gives why it cannot be done, if so."""
        if isinstance(job, FinalJob):
            count, images = self._all_images
            return train_final(
                job,
                self._network(images, job.settings),
                train=np.arange(count, dtype=np.int32),
                test=np.arange(count, len(images), dtype=np.int32),
                checkpoint=Checkpoint(job.checkpoint, self._setup.checkpoint_every),
                connection=self._connection,
            )
        if isinstance(job, MetricJob):
            labels = load_training(self._setup.data).labels[self._setup.folds[0].validation]
            try_metric(find_metric(self._setup.metric), labels, self._setup.classes)
            return ""
        if isinstance(job, LoadJob):
            return load_to_check(job.folder)
        network = self._network(self._training_images, job.settings)
        if isinstance(job, LatencyJob):
            job.file.write_text(repr(seconds_an_image(network.model)), "utf-8")
            return ""
        return save_to_check(network, self._training_images.image_shape, job.folder)

    @cached_property
    def _training_images(self) -> Pixels:
        return Pixels(load_training(self._setup.data), self._setup.classes)

    @cached_property
    def _all_images(self) -> tuple[int, Pixels]:
        """How many training images there are, and behind them those for the test."""
        parts = load_parts(self._setup.data)
        return len(parts.train), Pixels(parts.both, self._setup.classes)

    def _network(self, images: Pixels, settings: Mapping[str, Value]) -> Network:
        """The network for a job's settings; the last few are kept with their compiled graphs."""
        key = (id(images), self._family.graph(settings))
        network = self._networks.pop(key, None) or Network(images, self._family, settings)
        network.settings = settings
        self._networks[key] = network
        if len(self._networks) > CACHED_NETWORKS:
            self._networks.popitem(last=False)
        return network


def _home_is_gone(job: Job) -> bool:
    """Whether somebody has removed the folder that has the folder of a job's results."""
    return isinstance(job, TrialJob | FinalJob) and not job.checkpoint.parents[1].exists()


def _line(text: str) -> str:
    """A message as one printable line without colours, which Keras' have."""
    return one_line(COLOUR.sub("", text))
