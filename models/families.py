"""Model families: named architectures, their settings and how each is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import mlp
from .settings import TRAINING, Setting, Value

if TYPE_CHECKING:
    import keras

Build = Callable[..., "keras.Model"]


@dataclass(frozen=True)
class Family:
    """One kind of network.

    `build(input_shape, classes, **architecture)` returns a `keras.Model` that takes raw
    uint8 images (n, *input_shape) and gives class probabilities (n, classes) as float32;
    `architecture` holds the settings that shape the network; those named in `dropout` are
    rates, and change nothing else of it than whether there is a dropout layer.
    """

    build: Build
    architecture: Mapping[str, Setting]
    dropout: tuple[str, ...] = ()

    @property
    def settings(self) -> dict[str, Setting]:
        """All settings of a trial of this family: of the training and of the network."""
        return {**TRAINING, **self.architecture}

    def graph(self, settings: Mapping[str, Value]) -> tuple[tuple[str, Value], ...]:
        """What of a training's settings its compiled graph depends on; equal for equal graphs."""
        names = sorted(self.settings.keys() - {"epochs"})
        return tuple(
            (name, bool(settings[name]) if name in self.dropout else settings[name])
            for name in names
        )

    def complete(self, parameters: Mapping[str, Value]) -> dict[str, Value]:
        """`parameters` and, where they say nothing, the defaults."""
        return {name: parameters.get(name, one.default) for name, one in self.settings.items()}


FAMILIES: Mapping[str, Family] = {
    "mlp": Family(mlp.build, mlp.ARCHITECTURE, mlp.DROPOUT),
}
