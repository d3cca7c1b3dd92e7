"""Registered models, found by name and loaded to be used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from ..errors import FmsearchError
from .classifier import BACKGROUND, CLASS_NAMES, IMAGE_SHAPE, probabilities
from .store import Store
from .stored_models import loaded

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.pyfunc import PyFuncModel

T = TypeVar("T")

CHAMPION = "champion"


@dataclass(frozen=True)
class RegisteredModel:
    """A version of a model.

    Attributes:
        version: As MLflow's registry has it.
        loaded: What `mlflow.pyfunc.load_model` gives.
        network: The Keras model; it takes uint8 (n, *image_shape) and gives probabilities.
        class_names: The numbers of the classes if an earlier version of fmsearch registered it.
        background: What is around what its training images show: `dark`, `bright` or `mixed`;
            empty if an earlier version of fmsearch registered it.
    """

    version: ModelVersion
    loaded: PyFuncModel
    network: Any
    class_names: tuple[str, ...]
    image_shape: tuple[int, ...]
    background: str

    @property
    def model_id(self) -> str:
        """Of MLflow's logged model; empty if an earlier version of MLflow made it."""
        return str(self.loaded.metadata.model_id or "")

    @property
    def title(self) -> str:
        """Its name and version."""
        return title(self.version)

    def probabilities(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Of each class, float32 (n, classes), for n > 0 images uint8 (n, *image_shape)."""
        return probabilities(self.network, images)


def title(version: ModelVersion) -> str:
    """A version's name and number, as people read them."""
    return f"{version.name} version {version.version}"


def load_registered(store: Store, model: str | None) -> RegisteredModel:
    """Find a version of a model, as `find_version`, and load it.

    Raises:
        FmsearchError: There is no such model, or it cannot be loaded here.
        TrackingError: The store did not answer.
    """
    version = find_version(store, model)
    network, around = loaded(store, f"models:/{version.name}/{version.version}", title(version))
    described = around.metadata.metadata or {}
    try:
        shape = described.get(IMAGE_SHAPE) or network.input_shape[1:]
        names = described.get(CLASS_NAMES) or [str(one) for one in range(network.output_shape[-1])]
    except (AttributeError, TypeError, LookupError) as error:  # another program registered it
        raise FmsearchError(f"{title(version)} is no Keras network of images") from error
    background = str(described.get(BACKGROUND, ""))
    return RegisteredModel(version, around, network, tuple(names), tuple(shape), background)


def find_version(store: Store, model: str | None) -> ModelVersion:
    """The version that `NAME`, `NAME@ALIAS` or `NAME/VERSION` names.

    Args:
        store: With the registry.
        model: Without an alias or version, the champion; without a name, or None, the only model.

    Raises:
        FmsearchError: There is no such version, or the text names none.
        TrackingError: The store did not answer.
    """
    name, sign, which = _parts(model or "")
    name = name or _only(store)
    client = store.client
    registered = store.again(if_there(lambda: client.get_registered_model(name)))
    if registered is None:
        raise FmsearchError(f"there is no registered model {name!r}; there are: {_names(store)}")
    number: str | None = which
    if sign == "@":
        aliases = registered.aliases
        if (number := aliases.get(which)) is None:
            has = ", ".join(sorted(aliases)) or "none; `fmsearch register` gives it"
            raise FmsearchError(f"the model {name!r} has no alias {which!r}; it has: {has}")
    found = store.again(if_there(lambda: client.get_model_version(name, str(number))))
    if found is None:
        raise FmsearchError(f"the model {name!r} has no version {number}; see it in `fmsearch ui`")
    return found


def _parts(model: str) -> tuple[str, str, str]:
    """Name, `@` or `/`, and alias or version; `models:/` may stand before, as MLflow writes it."""
    text = model.removeprefix("models:/")
    if "@" in text:
        name, _, alias = text.rpartition("@")
        if alias:
            return name, "@", alias
    elif "/" in text:
        name, _, version = text.rpartition("/")
        if version.isdecimal() and version.isascii():
            return name, "/", str(int(version))
    else:
        return text, "@", CHAMPION
    raise FmsearchError(f"{model!r} names no model; write NAME, NAME@ALIAS or NAME/VERSION")


def if_there(find: Callable[[], T]) -> Callable[[], T | None]:
    """The same, but None where the registry says that there is no such thing."""
    from mlflow.exceptions import MlflowException

    def found() -> T | None:
        try:
            return find()
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise

    return found


def _only(store: Store) -> str:
    names = _registered(store)
    if len(names) != 1:
        raise FmsearchError(f"say which model; there are: {_names(store)}")
    return names[0]


def _names(store: Store) -> str:
    return ", ".join(_registered(store)) or "none; `fmsearch register` makes one"


def _registered(store: Store) -> list[str]:
    found = store.again(lambda: list(store.client.search_registered_models()))
    return [str(one.name) for one in found]
