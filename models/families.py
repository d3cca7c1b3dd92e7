"""Model families: named architectures, their settings and how each is built.

To add one, write a module like `mlp.py`, and give it a name in `FAMILIES`.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import FmsearchError
from . import cnn, mlp, resnet
from .own_code import OwnCode, own_code
from .settings import OPTIMIZERS, TRAINING, Anything, Setting, Value

if TYPE_CHECKING:
    import keras

Build = Callable[..., "keras.Model"]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Family:
    """One kind of network.

    `build(input_shape, classes, **architecture)` returns a `keras.Model` that takes raw
    uint8 images (n, *input_shape) and gives class probabilities (n, classes) as float32.

    Attributes:
        architecture: The settings that `build` takes.
        fault: Returns why settings do not suit images of a shape; empty if they do.
        idle: Returns the names of settings that have no effect beside the other ones.
        draws_by_keras: Whether all its random numbers are drawn by Keras' own initializers and
            layers, whose seeding is fast. For any other family more is reset before each fit, and
            random numbers that this does not reach are refused.
        kernels: The library that is the faster one for such networks; empty where that is the one
            that TensorFlow takes by itself. A user's own model has oneDNN's: where that is the
            wrong choice it costs less than Eigen where that is (`docs/speed.md`).
        module: Of a user's own model, whose code travels with each network; else empty.
    """

    build: Build
    architecture: Mapping[str, Setting]
    fault: Callable[[Mapping[str, Value], Shape], str] = lambda settings, shape: ""
    idle: Callable[[Mapping[str, Value]], frozenset[str]] = lambda settings: frozenset()
    draws_by_keras: bool = False
    kernels: str = "onednn"
    module: str = ""

    @property
    def code(self) -> OwnCode | None:
        """The user's code with which a network was built by now; None of a built-in family."""
        return own_code(self.module) if self.module in sys.modules else None

    @property
    def settings(self) -> dict[str, Setting]:
        """All settings of a trial: those of the training and those of the network."""
        return {**TRAINING, **self.architecture}

    def graph(self, settings: Mapping[str, Value]) -> tuple[tuple[str, Value | None], ...]:
        """The settings on which a training's compiled graph depends; equal for equal graphs."""
        known = self.settings
        return tuple(
            (name, known[name].graph(settings[name])) for name in sorted(known) if name in settings
        )

    def complete(self, parameters: Mapping[str, Value]) -> dict[str, Value]:
        """`parameters` and the defaults of all other settings, without idle ones.

        The defaults of a user's own model are not known, and are left out.
        """
        optimizer = str(parameters.get("optimizer", TRAINING["optimizer"].default))
        defaults = {name: one.default for name, one in self.settings.items()}
        values = {**defaults, **OPTIMIZERS[optimizer], **parameters}
        known = {name: value for name, value in values.items() if value is not None}
        idle = self.idle(known)
        return {name: value for name, value in known.items() if name not in idle}

    def make(self, shape: Shape, classes: int, settings: Mapping[str, Value]) -> keras.Model:
        """Build the network that `settings` describe.

        Raises:
            FmsearchError: A user's own code fails, or does not return such a network.
        """
        architecture = {name: settings[name] for name in self.architecture if name in settings}
        return self.build(shape, classes, **architecture)


FAMILIES: dict[str, Family] = {
    "mlp": Family(mlp.build, mlp.ARCHITECTURE, draws_by_keras=True, kernels=""),
    "cnn": Family(cnn.build, cnn.ARCHITECTURE, cnn.fault, cnn.idle, draws_by_keras=True),
    "resnet": Family(resnet.build, resnet.ARCHITECTURE, resnet.fault, draws_by_keras=True),
}


def find_family(model: str, parameters: Iterable[str]) -> Family:
    """A built-in family by name, or a user's own model as `package.module:function`.

    The user's code is loaded when its first network is built.

    Args:
        model: The name, as in a space file.
        parameters: Names of all parameters of the space; a user's own model takes those that are
            not settings of the training.
    """
    if model in FAMILIES:
        return FAMILIES[model]
    names = [name for name in parameters if name not in TRAINING]
    settings = {name: Setting(Anything(), None) for name in names}
    return Family(_OwnModel(model), settings, module=model.partition(":")[0])


@dataclass(frozen=True)
class _OwnModel:
    """A user's build function, by name."""

    model: str

    def __call__(self, shape: Shape, classes: int, /, **parameters: Value) -> keras.Model:
        import numpy as np

        from .quiet_tensorflow import MEMORY_ERRORS, keras  # loads TensorFlow: in trainers only

        module, _, name = self.model.partition(":")
        try:
            build: Build = getattr(importlib.import_module(module), name)
            model = build(shape, classes, **parameters)
            if not isinstance(model, keras.Model):
                raise FmsearchError(f"it gives a {type(model).__name__}, not a keras.Model")
            answers = np.asarray(model(np.zeros((2, *shape), "uint8")))
        except (FmsearchError, *MEMORY_ERRORS):
            raise
        except Exception as error:  # a user's code may raise anything
            raise FmsearchError(f"{type(error).__name__}: {error}") from error
        own_code(module)  # as it is now
        expected = (2, classes)
        if answers.shape != expected:
            raise FmsearchError(
                f"it gives outputs of shape {answers.shape} for 2 images, not {expected}"
            )
        if not np.allclose(answers.sum(axis=1), 1, atol=1e-3) or (answers < 0).any():
            raise FmsearchError("its outputs are no probabilities: end it with a softmax")
        if answers.dtype != np.float32:
            raise FmsearchError(
                f'its outputs are {answers.dtype}: give its last layer dtype="float32"'
            )
        return model
