"""Measures what part of a training's time its checkpoints take.

    python benchmarks/checkpoints.py                      # two networks, every 10 s as by default
    python benchmarks/checkpoints.py --every 1            # ten times as often

The result is a ratio: the time from the decision to write a checkpoint until it is on disk, copies
of the weights included, over the time of the whole training.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from fmsearch.models.checkpoint import Checkpoint
from fmsearch.models.data import describe, load_training
from fmsearch.models.families import FAMILIES
from fmsearch.models.fold_training import Progress, Training, train_and_score
from fmsearch.models.network import Network, Pixels, use_one_thread
from fmsearch.models.settings import Scoring, Value
from fmsearch.models.split import Fold, split_rows

IMAGES = Path(__file__).parent.parent / "tests" / "data" / "fashion.npz"
NETWORKS: dict[str, dict[str, Value]] = {
    "mlp, 2 layers of 128": {"hidden_units": 128, "layers": 2, "batch_size": 64},
    "mlp, 4 layers of 1024": {"hidden_units": 1024, "layers": 4, "batch_size": 64},
}


class Timed(Checkpoint):
    """A checkpoint that counts how often it was written, and sums the seconds of that."""

    def __init__(self, path: Path, every: float) -> None:
        super().__init__(path, every)
        self.kept, self.seconds, self._due_at = 0, 0.0, 0.0

    def due(self) -> bool:
        is_due = super().due()
        self._due_at = time.monotonic()
        return is_due

    def keep(self, progress: Progress) -> None:
        super().keep(progress)
        self.kept += 1
        self.seconds += time.monotonic() - self._due_at


def measure(network: Network, training: Training, every: float, seconds: float) -> str:
    """Train for `seconds`, and return in words how long the checkpoints took."""
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Timed(Path(folder, "checkpoint.npz"), every)
        train_and_score(
            network, training, lambda one: time.monotonic() - begin > seconds, checkpoint
        )
        took = time.monotonic() - begin
        megabytes = sum(file.stat().st_size for file in Path(folder).iterdir()) / 1e6
    return (
        f"{checkpoint.kept} checkpoints of {megabytes:.1f} MB in {took:.0f} s, "
        f"{checkpoint.seconds / took:.2%} of the time"
    )


def main() -> None:
    """Train each network, and print how long its checkpoints took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=float, default=10.0, metavar="SECONDS")
    parser.add_argument("--seconds", type=float, default=40.0, help="of each training, at least")
    arguments = parser.parse_args()
    use_one_thread()
    data = describe(str(IMAGES))
    images = load_training(data.prepared)
    split = split_rows(images.labels)
    fold = Fold(split.train, split.validation)
    training = Training(folds=[fold], seed=0, horizons=[10**6], scoring=Scoring.VALIDATION)
    pixels = Pixels(images, len(data.class_names))
    for name, chosen in NETWORKS.items():
        network = Network(pixels, FAMILIES["mlp"], FAMILIES["mlp"].complete(chosen))
        said = measure(network, training, arguments.every, arguments.seconds)
        print(f"{name}: {said}", flush=True)


if __name__ == "__main__":
    main()
