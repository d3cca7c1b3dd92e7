"""Model families: named architectures, their settings and how each is built."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import FmsearchError
from . import cnn, mlp
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
        build: Makes a network.
        architecture: The settings that `build` takes.
        fault: Says what keeps settings from images of a shape; empty if nothing does.
        idle: Names of settings that say nothing beside the other ones.
    """

    build: Build
    architecture: Mapping[str, Setting]
    fault: Callable[[Mapping[str, Value], Shape], str] = lambda settings, shape: ""
    idle: Callable[[Mapping[str, Value]], frozenset[str]] = lambda settings: frozenset()

    @property
    def settings(self) -> dict[str, Setting]:
        """All settings of a trial of this family: of the training and of the network."""
        return {**TRAINING, **self.architecture}

    def graph(self, settings: Mapping[str, Value]) -> tuple[tuple[str, Value | None], ...]:
        """What of a training's settings its compiled graph depends on; equal for equal graphs."""
        known = self.settings
        return tuple(
            (name, known[name].graph(settings[name])) for name in sorted(known) if name in settings
        )

    def complete(self, parameters: Mapping[str, Value]) -> dict[str, Value]:
        """`parameters` and, where they say nothing, the defaults; without idle ones.

        A user's own model has defaults that only it knows; they stay unsaid.
        """
        optimizer = parameters.get("optimizer", TRAINING["optimizer"].default)
        own = OPTIMIZERS[str(optimizer)]
        values = {
            name: parameters.get(name, own[name] if one.default is None else one.default)
            for name, one in self.settings.items()
            if name in parameters or name in own or one.default is not None
        }
        known = {name: value for name, value in values.items() if value is not None}
        idle = self.idle(known)
        return {name: value for name, value in known.items() if name not in idle}

    def make(self, shape: Shape, classes: int, settings: Mapping[str, Value]) -> keras.Model:
        """Build the network that `settings` describe."""
        architecture = {name: settings[name] for name in self.architecture if name in settings}
        return self.build(shape, classes, **architecture)


FAMILIES: Mapping[str, Family] = {
    "mlp": Family(mlp.build, mlp.ARCHITECTURE),
    "cnn": Family(cnn.build, cnn.ARCHITECTURE, cnn.fault, cnn.idle),
}


def find_family(model: str, parameters: Iterable[str]) -> Family:
    """A built-in family by name, or a user's own as `package.module:function`.

    Args:
        model: As a space names it.
        parameters: Names of the parameters that a space gives; a user's own model takes those
            that are not settings of the training.

    Raises:
        FmsearchError: There is no such model, or it does not take these parameters.
    """
    if model in FAMILIES:
        return FAMILIES[model]
    build = _import(model)
    names = [name for name in parameters if name not in TRAINING]
    try:
        inspect.signature(build).bind((28, 28), 10, **dict.fromkeys(names))
    except (TypeError, ValueError) as error:
        raise FmsearchError(
            f"model: {model} must be callable as build(input_shape, classes"
            f"{''.join(f', {name}=…' for name in names)}): {error}"
        ) from error
    return Family(build, {name: Setting(Anything(), None) for name in names})


def _import(model: str) -> Build:
    """The function that `package.module:function` names; importing runs the module's code."""
    module, _, name = model.partition(":")
    try:
        build = getattr(importlib.import_module(module), name)
    except Exception as error:  # whatever the user's code raises when it is loaded
        raise FmsearchError(f"model: cannot import {model}: {error!r}") from error
    if not callable(build):
        raise FmsearchError(f"model: {model} is not a function")
    return build  # type: ignore[no-any-return]
