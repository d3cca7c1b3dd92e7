"""Runs fmsearch and its peers as commands, and observes them from outside."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil
from mlflow import MlflowClient
from peers.problem import Problem

BENCHMARKS = Path(__file__).parents[1]
WATCH_SECONDS = 1.0


@dataclass(frozen=True)
class Ran:
    """A command that has ended.

    Attributes:
        began: Unix time.
        seconds: Wall time, from start to exit.
        cpu: CPU seconds of it and the processes it waited for: of fmsearch, the coordinator, which
            tracks, but not the trainers, which a fork server has started.
        memory: Of all its processes, in MB, each second; shared pages are counted once.
    """

    began: float
    seconds: float
    cpu: float
    output: str
    memory: list[float] = field(default_factory=list)


def run(command: list[str], folder: Path, *, watch: bool = False) -> Ran:
    """Run a command in a folder, without the user's settings of MLflow and fmsearch.

    Raises:
        RuntimeError: It failed.
    """
    settings = ("MLFLOW", "FMSEARCH_", "TF_ENABLE_ONEDNN_OPTS", "OMP_NUM_THREADS")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(settings)}
    path = (str(BENCHMARKS), os.environ.get("PYTHONPATH"))
    environment |= {"PYTHONPATH": os.pathsep.join(filter(None, path))}
    folder.mkdir(parents=True, exist_ok=True)
    output, errors, memory = folder / "stdout", folder / "stderr", list[float]()
    before, began = _cpu_of_children(), time.time()
    with output.open("w") as out, errors.open("w") as err:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=err)
        if watch:
            while process.poll() is None:
                memory.append(_megabytes(process.pid))
                time.sleep(WATCH_SECONDS)
        process.wait()
    seconds = time.time() - began
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}:\n{errors.read_text()[-3000:]}")
    return Ran(began, seconds, _cpu_of_children() - before, output.read_text(), memory)


def study(folder: Path, space: str, *options: str, watch: bool = False) -> Ran:
    """Run `fmsearch study` with a store in an empty folder.

    Args:
        space: The text of a space.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "space.yaml").write_text(space)
    command = [sys.executable, "-m", "fmsearch.cli", "study", "--space", "space.yaml", *options]
    return run(command, folder, watch=watch)


def peer(folder: Path, name: str, problem: Problem, *, watch: bool = False) -> tuple[Ran, Any]:
    """Run a peer; what it printed is the second."""
    command = [sys.executable, "-m", "peers.run", name, json.dumps(asdict(problem))]
    ran = run(command, folder, watch=watch)
    return ran, json.loads(ran.output.splitlines()[-1])


def curve(folder: Path, metric: str = "val_accuracy") -> list[tuple[float, float]]:
    """Unix times and values of a metric, of all runs in a folder's MLflow, in order of time."""
    store = next(
        file for file in (folder / "mlflow.db", folder / "mlruns" / "mlflow.db") if file.exists()
    )
    client = MlflowClient(f"sqlite:///{store}")
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    points = [
        (point.timestamp / 1000, point.value)
        for run in client.search_runs(experiments)
        for point in client.get_metric_history(run.info.run_id, metric)
    ]
    return sorted(points)


def _cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _megabytes(pid: int) -> float:
    total = 0.0
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                total += process.memory_full_info().pss / 2**20
    return total
