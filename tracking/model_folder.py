"""The folder from which MLflow's Keras flavor loads a model, written without Keras.

`mlflow.keras.save_model` writes the same folder, but loads TensorFlow, which the coordinator does
not need otherwise: the Keras file is already saved.
"""

from __future__ import annotations

import json
import shutil
from importlib.metadata import version
from pathlib import Path

import yaml

from . import classifier
from .run_record import LoggedModel

EXAMPLE = {
    "artifact_path": "input_example.json",
    "serving_input_path": "serving_input_example.json",
    "type": "ndarray",
}
"""MLflow's words for an array as JSON, and for what its scoring server takes."""
CODE = Path("code", "fmsearch_classifier.py")
"""The copy of `classifier.py`."""
REQUIREMENTS = ("mlflow", "keras", "tensorflow", "numpy")


def write_model_folder(folder: Path, model: LoggedModel, model_id: str | None = None) -> None:
    """Fill an empty folder with a model, an example of its input and MLflow's description of it.

    Its metadata have the names of the classes and the shape of an image, and more where there is
    more to know of its images and its code. The signature says what
    it gives, and not what it takes: MLflow would refuse whatever is not one array of that very type
    and shape, and print it; `classifier.py` takes what people have.
    """
    import numpy as np
    from mlflow import pyfunc
    from mlflow.models import Model, ModelSignature
    from mlflow.types import ParamSchema, ParamSpec, Schema, TensorSpec

    probabilities = TensorSpec(np.dtype("float32"), (-1, len(model.class_names)), name=None)
    names = ParamSpec(classifier.CLASS_NAMES, "boolean", default=False)
    description = Model(
        signature=ModelSignature(outputs=Schema([probabilities]), params=ParamSchema([names])),
        model_id=model_id,
        metadata={
            classifier.CLASS_NAMES: list(model.class_names),
            classifier.IMAGE_SHAPE: list(model.example.shape[1:]),
            **({classifier.BACKGROUND: model.background} if model.background else {}),
            **({classifier.MODULE: model.module} if model.module else {}),
        },
        saved_input_example_info=EXAMPLE,
    )
    description.add_flavor(
        "keras",
        data="data",
        keras_version=version("keras"),
        keras_backend="tensorflow",
        save_exported_model=False,
        code=str(CODE.parent),
    )
    pyfunc.add_to_model(
        description, loader_module=CODE.stem, code=str(CODE.parent), python_env="python_env.yaml"
    )
    pinned = [f"{name}=={version(name)}" for name in REQUIREMENTS]
    (folder / "data").mkdir(parents=True)
    shutil.copyfile(model.file, folder / "data" / "model.keras")
    (folder / CODE).parent.mkdir()
    shutil.copyfile(classifier.__file__, folder / CODE)
    for path, text in model.code.items():
        file = folder / CODE.parent / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    (folder / "data" / "keras_module.txt").write_text("keras")
    (folder / "requirements.txt").write_text("".join(f"{line}\n" for line in pinned))
    environment = {"python": _python(), "dependencies": ["-r requirements.txt"]}
    (folder / "python_env.yaml").write_text(yaml.safe_dump(environment, sort_keys=False))
    example = model.example.tolist()
    (folder / EXAMPLE["artifact_path"]).write_text(json.dumps(example))
    (folder / EXAMPLE["serving_input_path"]).write_text(json.dumps({"inputs": example}))
    description.save(str(folder / "MLmodel"))


def _python() -> str:
    import platform

    return platform.python_version()
