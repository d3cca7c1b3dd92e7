"""What a score's metric costs an epoch, beside the evaluation that accuracy takes.

python benchmarks/metrics.py
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from fmsearch.models.data import FASHION_MNIST, load_training
from fmsearch.models.families import FAMILIES
from fmsearch.models.metrics import METRICS
from fmsearch.models.network import Network, Pixels, use_one_thread

IMAGES, ROUNDS = 7_500, 15


def milliseconds(call: Callable[[], object]) -> float:
    """The processor time of a call, the least of several."""
    taken = []
    for _ in range(ROUNDS):
        begin = time.process_time()
        call()
        taken.append(time.process_time() - begin)
    return min(taken) * 1000


def main() -> None:
    """Print the processor time of evaluations and of each metric."""
    use_one_thread()
    family = FAMILIES["mlp"]
    network = Network(Pixels(load_training(FASHION_MNIST), 10), family, family.complete({}))
    network.initialize(0, np.arange(1000, dtype=np.int32), 1)
    network.train_epoch(np.arange(1000, dtype=np.int32), 0, 1)
    rows = np.arange(IMAGES, dtype=np.int32)
    plain = milliseconds(lambda: network.evaluate(rows))
    answers = milliseconds(lambda: network.evaluate(rows, with_answers=True))
    print(f"evaluation of {IMAGES:,} images: {plain:.1f} ms, with probabilities {answers:.1f} ms")
    evaluation = network.evaluate(rows, with_answers=True)
    for name, metric in METRICS.items():
        print(f"{name}: {milliseconds(lambda: metric.of(evaluation)):.2f} ms")  # noqa: B023


if __name__ == "__main__":
    main()
