"""Measures how a trainer's memory grows over many fits.

    python benchmarks/memory.py               # 200 fits of 16 different trainings, a minute

One trainer process runs jobs of three fits each; the jobs differ in width, layers, batch size,
optimizer and dropout, so that compiled graphs are created, shared and dropped. The growth is that
of the process's resident memory over the last two thirds of the fits.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from pathlib import Path

import numpy as np

from fmsearch.models.data import describe, load_training
from fmsearch.models.families import FAMILIES
from fmsearch.models.settings import Scoring
from fmsearch.models.split import cut_folds, split_rows
from fmsearch.search.processes.fork_server import load_tensorflow_in_advance
from fmsearch.search.trainers.jobs import TrainerSetup, TrialJob
from fmsearch.search.trainers.messages import JobDone
from fmsearch.search.trainers.pool import Trainers

IMAGES = Path(__file__).parent.parent / "tests" / "data" / "fashion.npz"
CHOICES = {
    "hidden_units": [64, 128],
    "layers": [1, 2],
    "optimizer": ["adam", "rmsprop"],
    "dropout_rate": [0.2, 0.3],
}


def resident_megabytes(pid: int) -> float:
    """Resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def main() -> None:
    """Run the fits and print the memory after every tenth part."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fits", type=int, default=200)
    jobs = parser.parse_args().fits // 3 + 1
    load_tensorflow_in_advance()
    data = describe(str(IMAGES))
    folds = cut_folds(split_rows(load_training(data.spec).labels).train, 3)
    settings = [
        FAMILIES["mlp"].complete(dict(zip(CHOICES, values, strict=True)))
        for values in itertools.product(*CHOICES.values())
    ]
    setup = TrainerSetup(data.spec, 10, "mlp", tuple(CHOICES), folds, Scoring.CROSS_VALIDATION)
    memory = []
    with (
        tempfile.TemporaryDirectory() as folder,
        Trainers(1, setup) as trainers,
    ):
        for number in range(jobs):
            chosen = settings[number % len(settings)]
            entries, checkpoint = {0: Path(folder) / "trial"}, Path(folder) / "checkpoint"
            trainers.give(0, TrialJob({0: 2}, chosen, number, entries, checkpoint))
            done = False
            while not done:
                done = any(isinstance(said, JobDone) for _, _, said in trainers.messages(1.0))
            memory.append(resident_megabytes(trainers.pids()[0]))
            if number % max(1, jobs // 10) == 0:
                print(f"{3 * (number + 1):>5} fits: {memory[-1]:.1f} MB", flush=True)
    tail = memory[len(memory) // 3 :]
    slope = np.polyfit(np.arange(len(tail)) * 3, tail, 1)[0]
    print(f"growth: {slope:.4f} MB per fit, over the last {3 * len(tail)} of {3 * jobs} fits")


if __name__ == "__main__":
    main()
