"""What MLflow loads a registered model as: it takes images as people have them, and answers.

A copy of this file travels with each model as `code/fmsearch_classifier.py`, so that fmsearch is
not needed where the model is used: it imports nothing of fmsearch.
"""

from __future__ import annotations

import importlib
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import keras
    import pandas as pd

CLASS_NAMES = "class_names"
"""Of `params`: whether the answer names classes; of the model's metadata: the names."""
IMAGE_SHAPE = "image_shape"
BATCH = 500
BACKGROUND = "background"
"""Of the metadata: `dark`, `bright` or `mixed`, as it is around what the training images show."""
MODULE = "own_module"
"""Of the metadata: the module of a user's own model, which is loaded before the network."""


class Classifier:
    """A network that takes raw images and gives probabilities, and its classes' names."""

    def __init__(
        self, model: keras.Model, class_names: tuple[str, ...], shape: tuple[int, ...]
    ) -> None:
        """Take a network of uint8 images (n, *shape)."""
        self._model, self._class_names, self._shape = model, class_names, shape

    def get_raw_model(self) -> keras.Model:
        """The Keras model itself."""
        return self._model

    def predict(
        self, data: Any, params: dict[str, Any] | None = None
    ) -> npt.NDArray[np.float32] | pd.DataFrame:
        """Classify images.

        Args:
            data: One image or several, as array, list or table of pixels: (h, w), (h, w, 1),
                (n, h, w), (n, h, w, 1), (n, h * w), or with as many channels as the model has.
                Whole numbers are 0 to 255; others are 0 to 1, unless one is above 1.
            params: `{"class_names": True}` for names.

        Returns:
            Probabilities, float32 (n, classes); or, for names, a table of n rows with the most
            probable `class`, its `probability`, and a column of probabilities for each class.

        Raises:
            MlflowException: These are no such images.
        """
        images = self._images(data)
        answers = np.zeros((0, len(self._class_names)), np.float32)
        if len(images):
            answers = probabilities(self._model, images)
        if not (params or {}).get(CLASS_NAMES):
            return answers
        return _table(answers, self._class_names)

    def _images(self, data: Any) -> npt.NDArray[np.uint8]:
        try:
            pixels = np.asarray(data)
        except ValueError:  # lists of unequal lengths
            raise _refusal("the images are not all of one shape") from None
        if pixels.dtype.kind not in "uif":
            raise _refusal(f"pixels are numbers, not {pixels.dtype}")
        return _uint8(self._shaped(pixels))

    def _shaped(self, pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The same pixels as (n, *shape)."""
        flat = self._shape[:-1] if self._shape[-1:] == (1,) and len(self._shape) == 3 else None
        grey = flat or (self._shape if len(self._shape) == 2 else None)
        shapes = [self._shape, *([grey, (*grey, 1)] if grey else [])]
        for shape in shapes:
            if pixels.shape == shape or pixels.shape[1:] == shape:
                return pixels.reshape(-1, *self._shape)
        if pixels.ndim == 2 and pixels.shape[1] == math.prod(self._shape):
            return pixels.reshape(-1, *self._shape)
        wanted = " or ".join(f"(n, {', '.join(map(str, one))})" for one in dict.fromkeys(shapes))
        raise _refusal(f"the images have shape {pixels.shape}; they must have {wanted}, or be one")


def probabilities(model: keras.Model, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Of each class, for at least one image.

    Keras' `predict` makes a pipeline of data for each call, which takes many times as long as one
    answer of a small network.
    """
    parts = [images[start : start + BATCH] for start in range(0, len(images), BATCH)]
    answers = np.concatenate([np.asarray(model.predict_on_batch(part)) for part in parts])
    return answers.astype(np.float32, copy=False)


def _uint8(pixels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    if not pixels.size or pixels.dtype == np.uint8:
        return pixels.astype(np.uint8, copy=False)
    least, most = pixels.min(), pixels.max()
    if not (least >= 0 and most <= 255):  # or not a number
        raise _refusal(f"pixels are from {least} to {most}; they must be from 0 to 255, or 0 to 1")
    if pixels.dtype.kind == "f":
        pixels = np.rint(pixels * 255 if most <= 1 else pixels)
    return pixels.astype(np.uint8)


def _table(answers: npt.NDArray[np.float32], class_names: tuple[str, ...]) -> pd.DataFrame:
    import pandas as pd

    best = answers.argmax(axis=1)
    first = {
        "class": [class_names[number] for number in best],
        "probability": answers.max(axis=1, initial=0),
    }
    columns = pd.DataFrame(answers, columns=list(class_names))
    return pd.concat([pd.DataFrame(first), columns], axis=1)


def _refusal(reason: str) -> Exception:
    from mlflow.exceptions import MlflowException

    refusal: Exception = MlflowException.invalid_parameter_value(reason)
    return refusal


def load_network(file: Path, module: str = "") -> keras.Model:
    """Load a Keras file; `module` is that of a user's own model, whose layers it registers."""
    import keras

    if module:
        importlib.import_module(module)
    return keras.saving.load_model(file)


def _load_pyfunc(path: str) -> Classifier:
    """The model in a folder of MLflow's; MLflow calls this by name."""
    from mlflow.models import Model

    described = Model.load(path).metadata or {}
    model = load_network(Path(path, "data", "model.keras"), described.get(MODULE, ""))
    names, shape = described[CLASS_NAMES], described[IMAGE_SHAPE]
    return Classifier(model, tuple(names), tuple(shape))
