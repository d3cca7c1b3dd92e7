"""Latency: how long a network takes to answer for one image."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

from .quiet_tensorflow import tf

if TYPE_CHECKING:
    import keras

FIRST_CALLS, CALLS = 20, 200
"""Calls that are not timed, as they compile and fill caches; and those that are."""


def seconds_an_image(model: keras.Model) -> float:
    """The median time, in seconds, of a call of the compiled model with one image, uint8."""
    shape = (1, *model.input_shape[1:])
    ask = tf.function(
        lambda images: model(images, training=False),
        input_signature=[tf.TensorSpec(shape, tf.uint8)],
    )
    image, times = tf.zeros(shape, tf.uint8), []
    for _ in range(FIRST_CALLS + CALLS):
        begin = time.perf_counter()
        ask(image).numpy()
        times.append(time.perf_counter() - begin)
    return statistics.median(times[FIRST_CALLS:])
