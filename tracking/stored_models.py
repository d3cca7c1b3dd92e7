"""Stored models: the network that a run has, as a file, or loaded."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import FmsearchError
from ..text import one_line
from .run_record import TAG_MODEL
from .store import Store
from .stored_runs import MODEL_FILE

if TYPE_CHECKING:
    from mlflow.entities import LoggedModel, Run


def copy_network(store: Store, run: Run, file: Path) -> None:
    """Copy the network of a run, in Keras' format.

    Raises:
        FmsearchError: The run has none.
        TrackingError: The store did not answer, or refused.
    """
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    where = model_of(store, run).artifact_location
    with store.errors(), tempfile.TemporaryDirectory() as folder:
        artifacts: Any = get_artifact_repository(where)
        shutil.move(artifacts.download_artifacts(MODEL_FILE, folder), file)


def load_network(store: Store, run: Run) -> Any:
    """Load the network of a run: a Keras model. It loads TensorFlow.

    Raises:
        FmsearchError: The run has none, or it cannot be loaded here.
        TrackingError: The store did not answer, or refused.
    """
    return loaded(store, f"models:/{model_of(store, run).model_id}", f"of {run.info.run_name}")[0]


def loaded(store: Store, address: str, what: str) -> tuple[Any, Any]:
    """The Keras model of MLflow's model with an address, and MLflow's model around it.

    Args:
        store: That has it.
        address: As MLflow takes it.
        what: Names it in messages.

    Raises:
        FmsearchError: It cannot be loaded here.
        TrackingError: The store did not answer, or refused.
    """
    import mlflow

    try:
        around = store.again(lambda: mlflow.pyfunc.load_model(address))
        return around.get_raw_model(), around
    except FmsearchError:
        raise
    except Exception as error:  # the code that is loaded with it may raise anything
        raise FmsearchError(f"the model {what} cannot be loaded here: {_why(error)}") from error


def _why(error: Exception) -> str:
    text = one_line(str(error))
    if isinstance(error, ModuleNotFoundError):
        return f"there is no module {error.name!r} here, with which it was made; install it"
    if found := re.search(r"Could not locate \w+ '([^']+)'", text):
        return (
            f"the code of its {found[1]!r} did not travel with it, as it does since this version; "
            "`fmsearch register` its study again"
        )
    return f"{type(error).__name__}: {text[:300]}"


def model_of(store: Store, run: Run) -> LoggedModel:
    """The logged model of a run.

    Raises:
        FmsearchError: The run has none.
        TrackingError: The store did not answer.
    """
    asked = f"source_run_id = '{run.info.run_id}'"
    search = store.client.search_logged_models
    models = store.again(lambda: list(search([store.experiment_id], asked)))
    for model in models:
        if str(model.status) == "READY":
            return model
    why = run.data.tags.get(TAG_MODEL) or f"its run is {run.info.status}"
    raise FmsearchError(f"there is no model of {run.info.run_name}: {why}")
