"""Environment variables on which trainings depend: those that are set here, whatever a user has.

Others were tried and change nothing (`docs/reliability.md` has the list), and stay as they are.
"""

from __future__ import annotations

import logging
import os

log = logging.getLogger(__name__)

BACKEND = "KERAS_BACKEND"
FIXED: dict[str, str | None] = {
    BACKEND: "tensorflow",
    "KERAS_NNX_ENABLED": "false",
    "KERAS_MAX_EPOCHS": None,
    "KERAS_MAX_STEPS_PER_EPOCH": None,
    "TF_DETERMINISTIC_OPS": None,
    "TF_ENABLED_DEVICE_TYPES": None,
    "TF_FUNCTION_JIT_COMPILE_DEFAULT": None,
    "TF_XLA_FLAGS": None,
    "XLA_FLAGS": None,
    # One computing thread for each trainer, on the CPU: with more, trainers would compete for
    # cores, and sums would not be added in one order.
    "CUDA_VISIBLE_DEVICES": "-1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
"""Values by name; None for a variable that is taken away. Keras and TensorFlow read them once, when
they are loaded."""


def fix_environment_variables() -> None:
    """Set what trainings depend on, for this process and those that it starts.

    Each variable of the user's that said otherwise is logged; another backend of Keras as a
    warning, because the user's own model may have been written for it.
    """
    for name, value in FIXED.items():
        found = os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
        if found not in (None, "", value):
            level = logging.WARNING if name == BACKEND else logging.INFO
            instead = "is left out" if value is None else f"is {value}"
            log.log(level, "%s=%s is not followed; in trainings it %s", name, found, instead)
