"""The folder from which MLflow's Keras flavor loads a model, written without Keras.

`mlflow.keras.save_model` writes the same folder, but loads TensorFlow, which the coordinator does
not need otherwise: the Keras file is already saved.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import yaml

from .run_record import LoggedModel

EXAMPLE = {
    "artifact_path": "input_example.json",
    "serving_input_path": "serving_input_example.json",
    "type": "ndarray",
}
"""MLflow's words for an array as JSON, and for what its scoring server takes."""
REQUIREMENTS = ("mlflow", "keras", "tensorflow", "numpy")


def write_model_folder(folder: Path, model: LoggedModel, model_id: str | None = None) -> None:
    """Fill an empty folder with a model, an example of its input and MLflow's description of it.

    The signature is uint8 images (n, height, width) or with channels behind, to float32
    probabilities (n, classes).
    """
    import numpy as np
    from mlflow import pyfunc
    from mlflow.models import Model, ModelSignature
    from mlflow.types import Schema, TensorSpec

    images = TensorSpec(np.dtype("uint8"), (-1, *model.example.shape[1:]), name=None)
    probabilities = TensorSpec(np.dtype("float32"), (-1, len(model.class_names)), name=None)
    description = Model(
        signature=ModelSignature(Schema([images]), Schema([probabilities])),
        model_id=model_id,
        metadata=model_metadata(model.class_names),
        saved_input_example_info=EXAMPLE,
    )
    description.add_flavor(
        "keras",
        data="data",
        keras_version=version("keras"),
        keras_backend="tensorflow",
        save_exported_model=False,
    )
    pyfunc.add_to_model(description, loader_module="mlflow.keras", python_env="python_env.yaml")
    pinned = [f"{name}=={version(name)}" for name in REQUIREMENTS]
    (folder / "data").mkdir(parents=True)
    shutil.copyfile(model.file, folder / "data" / "model.keras")
    (folder / "data" / "keras_module.txt").write_text("keras")
    (folder / "requirements.txt").write_text("".join(f"{line}\n" for line in pinned))
    environment = {"python": _python(), "dependencies": ["-r requirements.txt"]}
    (folder / "python_env.yaml").write_text(yaml.safe_dump(environment, sort_keys=False))
    example = model.example.tolist()
    (folder / EXAMPLE["artifact_path"]).write_text(json.dumps(example))
    (folder / EXAMPLE["serving_input_path"]).write_text(json.dumps({"inputs": example}))
    description.save(str(folder / "MLmodel"))


def model_metadata(class_names: Sequence[str]) -> dict[str, object]:
    """What a model says of itself in `metadata`: the names of its classes, and what it takes."""
    return {
        "class_names": [*class_names],
        "input": "raw uint8 images; scaling is inside the model",
        "output": "probabilities, in the order of class_names",
    }


def _python() -> str:
    import platform

    return platform.python_version()
