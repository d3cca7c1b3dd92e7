"""Keras as trainings need it, whatever has loaded it before."""

from __future__ import annotations

import subprocess
import sys

OTHERWISE = """
import keras
keras.config.set_dtype_policy("mixed_float16")
keras.config.set_floatx("float64")
from fmsearch.models import quiet_tensorflow
print(keras.config.floatx(), keras.config.dtype_policy().name, *quiet_tensorflow.NOT_FOLLOWED)
"""
# As where Keras has loaded JAX, which no other test needs.
ANOTHER = """
import keras
keras.backend.backend = lambda: "jax"
try:
    from fmsearch.models import quiet_tensorflow
except Exception as error:
    print(type(error).__name__, error)
"""


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_what_a_process_has_configured_before_is_not_followed() -> None:
    line = "keras.json: floatx float64 is not followed; in trainings it is float32"
    assert run(OTHERWISE) == f"float32 float32 {line}"


def test_another_backend_that_is_loaded_already_is_refused() -> None:
    assert run(ANOTHER) == (
        "FmsearchError Keras was loaded in this process with its backend 'jax', and fmsearch "
        "trains with TensorFlow; load fmsearch first, or set KERAS_BACKEND=tensorflow"
    )
