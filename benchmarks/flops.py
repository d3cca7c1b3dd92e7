"""Measures what share of the processor's arithmetic training uses, with the operations counted.

    python benchmarks/flops.py                        # all networks, 3 minutes
    python benchmarks/flops.py cnn_4 --keras          # one of them, and Keras' fit beside it

Operations are those of convolutions and dense layers alone: what the task needs, whoever computes
it. The peak is that of a float32 product of two 2048 x 2048 matrices, by the same library, in the
same thread, timed between the epochs. Keras' `fit` has the same library, one thread and no
augmentation. All times are CPU time; medians.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fmsearch.models.families import FAMILIES
from fmsearch.models.kernels import TENSORFLOWS, VARIABLE, kernels_of_user

if TYPE_CHECKING:
    import keras

CNN_4 = {"depth": 4, "filters_2": 32, "filters_3": 64, "filters_4": 128}
FOUND = {
    "depth": 3,
    "filters_2": 48,
    "filters_3": 64,
    **{f"convolutions_{block}": 2 for block in (1, 2, 3)},
    "batch_norm": "each",
    "head": "average",
    "dense_units": 0,
    "dropout_rate": 0.05,
    "optimizer": "adamw",
    "label_smoothing": 0.05,
}
NETWORKS: dict[str, tuple[str, dict[str, Any], int]] = {
    "cnn_4": ("cnn", {**CNN_4, "dropout_rate": 0.2, "dense_dropout": 0.3}, 1_280),
    "cnn_4, no dropout": ("cnn", CNN_4, 1_280),
    "found by cnn_small": ("cnn", {**FOUND, "flip": True, "shift": 1}, 640),
    "found, not augmented": ("cnn", FOUND, 640),
    "784-128-64-10, batch 64": ("mlp", {"batch_size": 64, "dropout_rate": 0.2}, 12_800),
    "784-128-64-10, batch 128": ("mlp", {"dropout_rate": 0.2}, 12_800),
    "784-64-32-10, batch 64": (
        "mlp",
        {"hidden_units": 64, "batch_size": 64, "dropout_rate": 0.2},
        12_800,
    ),
    "784-64-32-10, batch 128": ("mlp", {"hidden_units": 64, "dropout_rate": 0.2}, 12_800),
    "784-1024-512-10": ("mlp", {"hidden_units": 1024, "dropout_rate": 0.2}, 1_280),
}
"""Family, settings and images of an epoch."""
SIDE = 2048


@dataclass(frozen=True)
class Measured:
    """Medians of one process.

    Attributes:
        step, evaluation, fit: CPU seconds of a training step, of the evaluation of as many images,
            and of a step in Keras' `fit`; the last one is 0 if it was not asked for.
        operations: Of a training step.
        evaluating: Of the evaluation of a batch.
        peak: Operations a second of the large product.
    """

    step: float
    evaluation: float
    fit: float
    operations: float
    evaluating: float
    peak: float

    @property
    def share(self) -> float:
        """The step's share of the peak."""
        return self.operations / self.step / self.peak

    @property
    def evaluation_share(self) -> float:
        """The evaluation's share of the peak."""
        return self.evaluating / self.evaluation / self.peak


def forward_operations(model: keras.Model) -> list[int]:
    """Multiplications and additions for one image, of each layer that has a kernel, in order."""
    found = []
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            places = math.prod(layer.output.shape[1:-1])
            found.append(2 * math.prod(layer.kernel.shape) * places)
    return found


def step_operations(model: keras.Model) -> int:
    """As `forward_operations`, of training: outputs, gradients of weights, gradients of inputs.

    The first layer's inputs are the images, whose gradients nobody needs.
    """
    layers = forward_operations(model)
    return 3 * sum(layers) - layers[0]


def cpu_seconds(do: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    begin = time.process_time()
    do()
    return time.process_time() - begin


def measure(name: str, with_keras: bool, rounds: int) -> Measured:
    """Measure one network in this process, in one thread."""
    import numpy as np

    from fmsearch.models.data import FASHION_MNIST, load_training
    from fmsearch.models.network import Network, Pixels, use_one_thread
    from fmsearch.models.quiet_tensorflow import tf

    use_one_thread()
    kind, chosen, images = NETWORKS[name]
    family = FAMILIES[kind]
    settings = family.complete(chosen)
    data = load_training(FASHION_MNIST)
    network = Network(Pixels(data, 10), family, settings)
    rows = np.arange(images, dtype=np.int32)
    network.initialize(0, rows, rounds)
    matrix = tf.random.normal([SIDE, SIDE])
    product = tf.function(lambda: tf.reduce_sum(tf.matmul(matrix, matrix)))
    fit = _keras_fit(family, settings, data, images) if with_keras else lambda: None
    ways: dict[str, Callable[[], object]] = {
        "step": lambda: network.train_epoch(rows, 0, 0),
        "evaluation": lambda: network.evaluate(rows),
        "fit": fit,
        "peak": lambda: float(product()),
    }
    times: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds + 1):
        for way, do in ways.items():
            times[way].append(cpu_seconds(do))
    median = {way: statistics.median(seconds[1:]) for way, seconds in times.items()}
    batch = int(settings["batch_size"])
    steps = images / batch
    return Measured(
        step=median["step"] / steps,
        evaluation=median["evaluation"] / steps,
        fit=median["fit"] / steps if with_keras else 0.0,
        operations=float(step_operations(network.model)) * batch,
        evaluating=float(sum(forward_operations(network.model))) * batch,
        peak=2 * SIDE**3 / median["peak"],
    )


def _keras_fit(family: Any, settings: Mapping[str, Any], data: Any, images: int) -> Any:
    """An epoch of `fit` as everybody writes it, on the same images, without augmentation."""
    import numpy as np

    model = family.make(data.pixels.shape[1:], 10, settings)
    optimizer = str(settings["optimizer"])
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    pixels, labels = np.array(data.pixels[:images]), np.array(data.labels[:images])
    batch = int(settings["batch_size"])
    return lambda: model.fit(pixels, labels, batch_size=batch, epochs=1, verbose=0)


def in_a_process(name: str, *, with_keras: bool, rounds: int, kernels: str = "") -> Measured:
    """Measure one network in a process of its own.

    Args:
        kernels: The library that computes; empty for the one that a new study would have.
    """
    kernels = kernels or kernels_of_user() or FAMILIES[NETWORKS[name][0]].kernels
    command = [sys.executable, __file__, name, "--json", "--rounds", str(rounds)]
    if with_keras:
        command.append("--keras")
    done = subprocess.run(
        command,
        check=True,
        stdout=subprocess.PIPE,
        env={**os.environ, VARIABLE: kernels, TENSORFLOWS: ""},
    )
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", choices=[[], *NETWORKS], metavar="NETWORK")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--keras", action="store_true", help="measure Keras' fit, too")
    parser.add_argument("--json", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.json:
        (name,) = options.networks
        print(json.dumps(vars(measure(name, options.keras, options.rounds))))
        return
    print("| network | ms per step | GFLOP | share of peak | evaluation | against `fit` |")
    print("|---|---|---|---|---|---|", flush=True)
    for name in options.networks or NETWORKS:
        one = in_a_process(name, with_keras=options.keras, rounds=options.rounds)
        against = f"{one.step / one.fit:.2f}" if one.fit else ""
        print(
            f"| {name} | {one.step * 1e3:.2f} | {one.operations / 1e9:.3f} | {one.share:.0%} | "
            f"{one.evaluation_share:.0%} | {against} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
