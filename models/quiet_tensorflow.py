"""TensorFlow and Keras, loaded without the messages of TensorFlow's C++ code.

Until its logging is set up, that code writes to file descriptor 2 and ignores the log level of the
environment, so that this descriptor leads to /dev/null meanwhile. Python shows its errors later.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


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


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with _muted_stderr():
    import keras
    import tensorflow as tf

MEMORY_ERRORS = (MemoryError, tf.errors.ResourceExhaustedError)
"""What is raised when there is not enough memory."""

__all__ = ["MEMORY_ERRORS", "keras", "tf"]
