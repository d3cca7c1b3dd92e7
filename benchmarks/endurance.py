"""Measures memory and open files of a coordinator and its trainers over a thousand short trials.

    python benchmarks/endurance.py --data tests/data/fashion.npz

Every trial is tracked: the embedded MLflow store is part of what is measured.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SPACE = """\
name: endurance
model: mlp
engine: keras_tuner
score: {{by: cross_validation, folds: 2}}
fixed: {{hidden_units: 16, batch_size: 64, epochs: 1}}
parameters: {{dropout_rate: [{rates}]}}
"""


def children(pid: int) -> list[int]:
    """Ids of the processes that a process started."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(one) for one in found]


def measure(pid: int) -> tuple[float, int]:
    """Unshared memory of a process, in MB, and its number of open files."""
    pages = Path(f"/proc/{pid}/statm").read_text().split()
    own = int(pages[1]) - int(pages[2])
    files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return own * os.sysconf("SC_PAGE_SIZE") / 1e6, files


def main() -> None:
    """Run the study and print the measurements."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="an .npz file of images")
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--every", type=int, default=100, help="trials between two lines")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rates = ", ".join(str(one / arguments.trials / 2) for one in range(arguments.trials))
        space = Path(folder, "endurance.yaml")
        space.write_text(SPACE.format(rates=rates))
        command = [
            sys.executable, "-m", "fmsearch.cli", "study", "--space", str(space),
            "--data", str(arguments.data.absolute()), "--train-images", "400",
        ]  # fmt: skip
        study = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
        assert study.stdout is not None
        print(f"{'trials':>6} {'coordinator':>12} {'files':>6} {'trainers, MB each':>20} files")
        done = 0
        for line in study.stdout:
            done += line.startswith("[")
            if line.startswith("[") and done % arguments.every == 0:
                memory, files = measure(study.pid)
                pids = [one for child in children(study.pid) for one in children(child)]
                trainers = [measure(pid) for pid in pids]
                each = ", ".join(f"{memory:.1f}" for memory, _ in trainers)
                open_files = ", ".join(str(files) for _, files in trainers)
                print(f"{done:>6} {memory:>9.1f} MB {files:>6} {each:>20} {open_files}", flush=True)
        sys.exit(study.wait())


if __name__ == "__main__":
    main()
