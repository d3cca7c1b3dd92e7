"""Measures the memory of trainers that share the images of a large data set.

    python benchmarks/shared_images.py               # 1 and 4 trainers, 1 GB of images; a minute

Each trainer trains a small perceptron for an epoch, so that it has read every training image. RSS
counts a page that several processes map in each of them, PSS divides it among them; anonymous pages
belong to no file. The images are black: what they show costs no memory.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np
import psutil

from fmsearch.models.data import DataSet, describe, load_training
from fmsearch.models.families import FAMILIES
from fmsearch.models.kernels import kernels_of_user
from fmsearch.models.memory import gigabytes
from fmsearch.models.split import Fold, split_rows
from fmsearch.search.processes.fork_server import load_tensorflow_in_advance
from fmsearch.search.trainers.jobs import TrainerSetup, TrialJob
from fmsearch.search.trainers.messages import EpochDone, JobFailed
from fmsearch.search.trainers.pool import TrainerPool

SHAPE = (64, 64, 3)


def make(folder: Path, size: int) -> DataSet:
    """A data set with so many bytes of images."""
    count = size // int(np.prod(SHAPE))
    labels = np.arange(count) % 10
    pixels = np.zeros((count, *SHAPE), np.uint8)
    cut = count * 9 // 10
    parts = {"x_train": pixels[:cut], "x_test": pixels[cut:]}
    np.savez(folder / "large.npz", **parts, y_train=labels[:cut], y_test=labels[cut:])
    return describe(str(folder / "large.npz"))


def train(data: DataSet, trainers: int, folder: Path) -> list[dict[str, int]]:
    """Train in so many processes at once; gives the memory of each, in bytes, after an epoch."""
    settings = FAMILIES["mlp"].complete({"hidden_units": 8, "layers": 1, "batch_size": 256})
    split = split_rows(load_training(data.prepared).labels)
    setup = TrainerSetup(
        data=data.prepared,
        classes=10,
        model="mlp",
        parameters=(),
        folds=(Fold(split.train, split.validation),),
        keep_models=False,
    )
    jobs = [
        TrialJob(
            epochs={number: 2},
            settings=settings,
            seed=number,
            entries={number: folder / f"trial-{trainers}-{number}"},
            checkpoint=folder / f"checkpoint-{number}",
        )
        for number in range(trainers)
    ]
    others = set(_trainers())
    with TrainerPool(trainers, setup) as pool:
        trained = set()
        for job, message in pool.run(jobs):
            if isinstance(message, JobFailed):
                raise SystemExit(message.error)
            if isinstance(message, EpochDone):
                trained.add(job.seed)
                if len(trained) == trainers:
                    return [memory_of(pid) for pid in _trainers() if pid not in others]
    raise SystemExit("a trainer ended before all had trained")


def memory_of(pid: int) -> dict[str, int]:
    """Bytes by the names of `/proc/PID/smaps_rollup`."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()[1:]
    fields = (line.split() for line in lines)
    return {name.rstrip(":"): int(value) * 1024 for name, value, *_ in fields}


def _trainers() -> list[int]:
    helpers = psutil.Process().children()
    return [child.pid for helper in helpers for child in helper.children()]


def main() -> None:
    """Print the memory of each number of trainers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bytes", type=int, default=2**30)
    parser.add_argument("--trainers", type=int, nargs="+", default=[1, 4])
    options = parser.parse_args()
    load_tensorflow_in_advance(kernels_of_user() or FAMILIES["mlp"].kernels)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["FMSEARCH_CACHE"] = str(folder / "cache")
        data = make(folder, options.bytes)
        print(f"images: {gigabytes(data.bytes)}")
        print("trainers    RSS each    PSS each   PSS of all  anonymous each")
        for trainers in options.trainers:
            found = train(data, trainers, folder)
            rss, pss = (sum(one[what] for one in found) for what in ("Rss", "Pss"))
            anonymous = sum(one["Anonymous"] for one in found)
            cells = [rss / trainers, pss / trainers, pss, anonymous / trainers]
            print(f"{trainers:>8}" + "".join(f"{gigabytes(one):>12}" for one in cells))


if __name__ == "__main__":
    main()
