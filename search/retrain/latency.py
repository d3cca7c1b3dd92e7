"""Latencies: how long the networks of trials take for one image, measured here and now."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ...errors import FmsearchError
from ...models.kernels import kernels_to_go_on
from ..processes.fork_server import load_tensorflow_in_advance
from ..runs.records import RunRecords
from ..trainers.jobs import LatencyJob
from ..trainers.pool import run_jobs
from ..trainers.setup import trainer_setup
from ..trial import Trial


def measure_latency(run_records: RunRecords, trial: Trial) -> float:
    """The seconds that a trial's network takes for one image, in one thread: a median.

    Which weights it has plays no part.

    Raises:
        FmsearchError: The network cannot be built here.
    """
    study = run_records.study
    load_tensorflow_in_advance(kernels_to_go_on(study.kernels, f"the study {study.name!r}"))
    settings = run_records.space.settings(trial.parameters)
    del settings["epochs"]
    with tempfile.TemporaryDirectory() as folder:
        job = LatencyJob(settings, Path(folder) / "seconds")
        if error := run_jobs([job], trainer_setup(run_records.space, run_records.data)):
            raise FmsearchError(f"the network of trial {trial.number} cannot be timed: {error}")
        return float(job.file.read_text("utf-8"))
