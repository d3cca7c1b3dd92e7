"""TensorFlow and Keras, loaded with one configuration and without the messages of C++ code.

What a user's `keras.json` says is not followed: numbers would depend on it.

Until its logging is set up, that code writes to file descriptor 2 and ignores the log level of the
environment, so that this descriptor leads to /dev/null meanwhile. Python shows its errors later.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import FmsearchError
from .environment_variables import fix_environment_variables
from .kernels import LIBRARIES, TENSORFLOWS, kernels_of_user


@contextmanager
def _muted_stderr() -> Iterator[None]:
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)


fix_environment_variables()
if kernels := kernels_of_user():
    os.environ[TENSORFLOWS] = LIBRARIES[kernels]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with _muted_stderr():
    import keras
    import tensorflow as tf

if keras.backend.backend() != "tensorflow":
    raise FmsearchError(
        f"Keras was loaded in this process with its backend {keras.backend.backend()!r}, and "
        "fmsearch trains with TensorFlow; load fmsearch first, or set KERAS_BACKEND=tensorflow"
    )


def _configure() -> list[str]:
    """Give Keras its own defaults; returns what was configured otherwise, a line each."""
    config = keras.config
    found = {
        "floatx": (config.floatx(), "float32"),
        "epsilon": (config.epsilon(), 1e-7),
        "image_data_format": (config.image_data_format(), "channels_last"),
    }
    config.set_floatx("float32")
    config.set_epsilon(1e-7)
    config.set_image_data_format("channels_last")
    config.set_dtype_policy("float32")
    return [
        f"keras.json: {name} {theirs} is not followed; in trainings it is {ours}"
        for name, (theirs, ours) in found.items()
        if theirs != ours
    ]


NOT_FOLLOWED = _configure()
"""What a `keras.json` says otherwise, for who can log it."""

MEMORY_ERRORS = (MemoryError, tf.errors.ResourceExhaustedError)
"""What is raised when there is not enough memory."""

__all__ = ["MEMORY_ERRORS", "NOT_FOLLOWED", "keras", "tf"]
