"""Measures the CPU time of an epoch of a convolutional network, in fmsearch and in Keras' `fit`.

The network is the published cnn_4 (120,234 parameters). Each way runs in a process of its own; its
first epoch, which compiles, is not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping

SETTINGS = {
    "depth": 4,
    "filters_2": 32,
    "filters_3": 64,
    "filters_4": 128,
    "dropout_rate": 0.2,
    "dense_dropout": 0.3,
}
AUGMENTED = {"flip": True, "shift": 2, "erase": 0.3}
EPOCHS = 4


def keras_fit(images: int) -> list[float]:
    """CPU seconds of each epoch of `model.fit`, in its usual form."""
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    from fmsearch.models.data import FASHION_MNIST, load_training
    from fmsearch.models.families import FAMILIES
    from fmsearch.models.quiet_tensorflow import keras

    cnn = FAMILIES["cnn"]
    model = cnn.make((28, 28), 10, cnn.complete(SETTINGS))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    data = load_training(FASHION_MNIST)
    seconds: list[float] = []

    class Clock(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, *_: object) -> None:
            self.begin = time.process_time()

        def on_epoch_end(self, *_: object) -> None:
            seconds.append(time.process_time() - self.begin)

    pixels, labels = data.pixels[:images], data.labels[:images]
    model.fit(pixels, labels, batch_size=128, epochs=EPOCHS, verbose=0, callbacks=[Clock()])
    return seconds


def ours(images: int, settings: Mapping[str, object]) -> list[float]:
    """CPU seconds of each epoch of a trainer."""
    os.environ["OMP_NUM_THREADS"], os.environ["CUDA_VISIBLE_DEVICES"] = "1", "-1"
    import numpy as np

    from fmsearch.models.data import FASHION_MNIST, load_training
    from fmsearch.models.families import FAMILIES
    from fmsearch.models.network import Network, Pixels, use_one_thread

    use_one_thread()
    cnn = FAMILIES["cnn"]
    network = Network(Pixels(load_training(FASHION_MNIST), 10), cnn, cnn.complete(settings))
    network.initialize(0, images, EPOCHS)
    rows, seconds = np.arange(images, dtype=np.int32), []
    for epoch in range(EPOCHS):
        begin = time.process_time()
        network.train_epoch(rows, 0, epoch)
        seconds.append(time.process_time() - begin)
    return seconds


WAYS: dict[str, Callable[[int], list[float]]] = {
    "Keras fit": keras_fit,
    "fmsearch": lambda images: ours(images, SETTINGS),
    "fmsearch, augmented": lambda images: ours(images, {**SETTINGS, **AUGMENTED}),
}


def main() -> None:
    """Run each way and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=15_000)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way:
        print(json.dumps(WAYS[arguments.way](arguments.images)))
        return
    first = None
    print(f"{'way':<22} {'CPU s per epoch, median':>24} {'share of the first':>19}")
    for way in WAYS:
        command = [sys.executable, __file__, "--images", str(arguments.images), "--way", way]
        done = subprocess.run(command, check=True, capture_output=True)
        seconds = statistics.median(json.loads(done.stdout.splitlines()[-1])[1:])
        first = first or seconds
        print(f"{way:<22} {seconds:>24.2f} {seconds / first:>19.2f}", flush=True)


if __name__ == "__main__":
    main()
