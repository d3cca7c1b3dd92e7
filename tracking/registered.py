"""Registered models, loaded to be used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..errors import FmsearchError
from .classifier import CLASS_NAMES, IMAGE_SHAPE
from .registry import holder_of
from .store import Store
from .stored_models import loaded

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion


@dataclass(frozen=True)
class RegisteredModel:
    """A version of a model.

    Attributes:
        network: The Keras model; it takes uint8 (n, *image_shape) and gives probabilities.
        class_names: The numbers of the classes if an earlier version of fmsearch registered it.
    """

    name: str
    version: str
    network: Any
    class_names: tuple[str, ...]
    image_shape: tuple[int, ...]

    def probabilities(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Of each class, float32 (n, classes), for images uint8 (n, *image_shape)."""
        return np.asarray(self.network.predict(images, verbose=0), np.float32)


def load_registered(store: Store, name: str | None, alias: str) -> RegisteredModel:
    """Load the version of a model that has an alias.

    Args:
        store: With the registry.
        name: None for the only model there is.
        alias: Or the number of a version.

    Raises:
        FmsearchError: There is no such model, or it cannot be loaded here.
        TrackingError: The store did not answer.
    """
    name = name or _only(store)
    found = _version(store, name, alias)
    version = str(found.version)
    address, what = f"models:/{name}/{version}", f"{name} version {version}"
    network, around = loaded(store, address, what)
    described = around.metadata.metadata or {}
    shape = described.get(IMAGE_SHAPE) or network.input_shape[1:]
    names = described.get(CLASS_NAMES) or [str(one) for one in range(network.output_shape[-1])]
    return RegisteredModel(name, version, network, tuple(names), tuple(shape))


def _only(store: Store) -> str:
    models = store.again(lambda: list(store.client.search_registered_models()))
    if len(models) != 1:
        names = ", ".join(one.name for one in models) or "none; `fmsearch register` makes one"
        raise FmsearchError(f"name a model with --model; there are: {names}")
    return str(models[0].name)


def _version(store: Store, name: str, alias: str) -> ModelVersion:
    if alias.isdecimal():
        versions = store.again(lambda: list(store.client.search_model_versions(f"name = '{name}'")))
        found = next((one for one in versions if str(one.version) == str(int(alias))), None)
    else:
        found = holder_of(store, name, alias)
    if found is None:
        what = "no version" if alias.isdecimal() else "no alias"
        raise FmsearchError(f"the model {name!r} is not there, or has {what} {alias!r}")
    return found
