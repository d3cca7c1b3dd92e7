"""Saved networks: how one is saved, and the check that a user's own can be loaded elsewhere."""

from __future__ import annotations

import os
import re
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...errors import full_disk
from ...models.own_code import OwnCode, is_installed
from ...models.quiet_tensorflow import MEMORY_ERRORS
from ...tracking.classifier import load_network
from ..outbox import MODEL, OWN_CODE

if TYPE_CHECKING:
    import keras

    from ...models.network import Network

IMAGES, ANSWERS = "images.npy", "answers.npy"
TOLERANCE = 1e-3
"""Of probabilities: another order of additions gives 1e-6, what is not saved 0.01 and more."""
REGISTER = "@keras.saving.register_keras_serializable()"


def save_network(network: Network, folder: Path) -> None:
    """Write its Keras file, and beside it the code of a user's own model."""
    _compiled(network.model).save(folder / MODEL)
    if (code := network.code) is not None:
        code.write(folder / OWN_CODE)


def _compiled(model: keras.Model) -> keras.Model:
    """The model with loss and metric, so that `evaluate` works where its file is loaded.

    Its optimizer is one without state, as no file has that of the training.
    """
    if not model.compiled:  # a user's own may be
        model.compile("sgd", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def save_to_check(network: Network, image_shape: tuple[int, ...], folder: Path) -> str:
    """Save a network with some images and its answers; gives the reason why not, if any."""
    images = np.random.default_rng(0).integers(0, 256, (8, *image_shape), "uint8")
    np.save(folder / IMAGES, images)
    np.save(folder / ANSWERS, np.asarray(network.model(images)))
    try:
        with warnings.catch_warnings(action="ignore"):  # of what the next trainer finds
            save_network(network, folder)
    except MEMORY_ERRORS:
        raise
    except Exception as error:  # layers of a user's own may raise anything
        if full_disk(error):
            raise
        return f"it cannot be saved: {_way_to_mend(error)}"
    return ""


def load_to_check(folder: Path) -> str:
    """Load what was saved, as it is loaded where the user's code is not; compare its answers.

    This process has that code nowhere else on its import path from here on.

    Returns:
        The reason why it cannot be loaded or answers otherwise; empty if all is well.
    """
    code = OwnCode.read(folder / OWN_CODE)
    if code is not None:
        _leave_home(code, folder)
    try:
        model = load_network(folder / MODEL, code.module if code else "")
        answers = np.asarray(model(np.load(folder / IMAGES)))
    except MEMORY_ERRORS:
        raise
    except Exception as error:  # as above
        return f"it can be saved, but not loaded again: {_way_to_mend(error)}"
    difference = float(np.abs(answers - np.load(folder / ANSWERS)).max())
    if not difference <= TOLERANCE:
        return (
            f"loaded again, it answers otherwise, by up to {difference:.2g}: let each get_config "
            "give all that __init__ takes, and each weight be made by add_weight"
        )
    return ""


def _leave_home(code: OwnCode, folder: Path) -> None:
    """Take the user's folders off the import path, and put the code there that travels."""
    top = code.module.partition(".")[0]

    def is_home(entry: str) -> bool:
        there = Path(entry, top).exists() or Path(entry, f"{top}.py").exists()
        return there and not is_installed(Path(entry).absolute())

    home = folder / "code"
    code.unpack(home)
    sys.path[:] = [str(home), *(entry for entry in sys.path if not is_home(entry))]
    os.chdir(folder)


def _way_to_mend(error: Exception) -> str:
    """What is wrong and what to do, from what Keras says."""
    text = " ".join(str(error).split())
    if "`Lambda`" in text or re.search(r"function identifier: {'value'", text):
        return (
            "a lambda has no name by which it could be found; write it as a function, or as a "
            f"class of keras.layers.Layer, with {REGISTER} above it"
        )
    if found := re.search(r"Could not locate \w+ '([^']+)'", text):
        return f"{found[1]!r} is not registered; write {REGISTER} above it"
    if found := re.search(r"Object (\w+) was created by passing non-serializable", text):
        return (
            f"{found[1]!r} has no get_config, which gives by name what its __init__ takes; "
            f"write one, and {REGISTER} above the class"
        )
    if isinstance(error, ModuleNotFoundError):
        return f"{text}; only modules beside its own, and installed ones, are there"
    return f"{type(error).__name__}: {text.rpartition('Exception encountered: ')[2][:300]}"
