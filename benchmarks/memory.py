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
import psutil

from fmsearch.models.data import describe, load_training
from fmsearch.models.families import FAMILIES
from fmsearch.models.kernels import kernels_of_user
from fmsearch.models.settings import Scoring
from fmsearch.models.split import Folding, cut_folds, split_rows
from fmsearch.search.processes.fork_server import load_tensorflow_in_advance
from fmsearch.search.trainers.jobs import TrainerSetup, TrialJob
from fmsearch.search.trainers.messages import JobDone
from fmsearch.search.trainers.pool import TrainerPool

IMAGES = Path(__file__).parent.parent / "tests" / "data" / "fashion.npz"
CHOICES = {
    "hidden_units": [64, 128],
    "layers": [1, 2],
    "optimizer": ["adam", "rmsprop"],
    "dropout_rate": [0.2, 0.3],
}


def trainer_megabytes() -> float:
    """The resident memory of the one trainer, the fork server's only child."""
    helpers = psutil.Process().children()
    (trainer,) = (child for helper in helpers for child in helper.children())
    return float(trainer.memory_info().rss) / 2**20


def main() -> None:
    """Run the fits and print the memory after every tenth part."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fits", type=int, default=200)
    jobs = parser.parse_args().fits // 3 + 1
    load_tensorflow_in_advance(kernels_of_user() or FAMILIES["mlp"].kernels)
    data = describe(str(IMAGES))
    labels = load_training(data.prepared).labels
    folds = cut_folds(split_rows(labels).train, Folding(3), labels)
    settings = [
        FAMILIES["mlp"].complete(dict(zip(CHOICES, values, strict=True)))
        for values in itertools.product(*CHOICES.values())
    ]
    setup = TrainerSetup(
        data=data.prepared,
        classes=10,
        model="mlp",
        parameters=tuple(CHOICES),
        folds=folds,
        scoring=Scoring.CROSS_VALIDATION,
    )
    memory = []
    with tempfile.TemporaryDirectory() as folder, TrainerPool(1, setup) as pool:
        to_do = [
            TrialJob(
                epochs={0: 2},
                settings=settings[number % len(settings)],
                seed=number,
                entries={0: Path(folder) / "trial"},
                checkpoint=Path(folder) / "checkpoint",
            )
            for number in range(jobs)
        ]
        for job, message in pool.run(to_do):
            if isinstance(message, JobDone):
                memory.append(trainer_megabytes())
                if job.seed % max(1, jobs // 10) == 0:
                    print(f"{3 * (job.seed + 1):>5} fits: {memory[-1]:.1f} MB", flush=True)
    tail = memory[len(memory) // 3 :]
    slope = np.polyfit(np.arange(len(tail)) * 3, tail, 1)[0]
    print(f"growth: {slope:.4f} MB per fit, over the last {3 * len(tail)} of {3 * jobs} fits")


if __name__ == "__main__":
    main()
