"""The model registry: versions of a model, and the aliases that point to them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..errors import FmsearchError
from .store import Store

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

CHALLENGER = "challenger"
"""The alias of the last version that did not pass the gate."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def check_names(name: str, alias: str) -> None:
    """Check the names of a model and an alias before anything is trained.

    Raises:
        FmsearchError: MLflow would refuse one of them.
    """
    for what, value in (("model", name), ("alias", alias)):
        if not NAME.fullmatch(value):
            raise FmsearchError(
                f"--{what} {value!r} must be 1 to 64 letters, digits, '_', '.' or '-'"
            )
    if alias == "latest" or re.fullmatch(r"v\d+", alias, re.IGNORECASE):
        raise FmsearchError(f"--alias {alias!r} is MLflow's own; choose another one")


def register_version(store: Store, name: str, run_id: str, *, tags: Mapping[str, str]) -> str:
    """Register a run's model as a version, unless that was done before.

    Args:
        store: The store that has the run.
        name: Name of the registered model, which is created if it is new.
        run_id: Id of a run with one logged model.
        tags: Tags of a new version.

    Returns:
        The version's number.

    Raises:
        TrackingError: The store did not answer, or refused.
    """
    client = store.client

    def register() -> str:
        for version in client.search_model_versions(f"run_id = '{run_id}'"):
            if version.name == name:
                return str(version.version)
        if not client.search_registered_models(f"name = '{name}'"):
            client.create_registered_model(name)
        models = client.search_logged_models([store.experiment_id], f"source_run_id = '{run_id}'")
        version = client.create_model_version(
            name,
            source=f"models:/{models[0].model_id}",
            run_id=run_id,
            tags=dict(tags),
            model_id=models[0].model_id,
        )
        return str(version.version)

    return store.again(register)


def holder_of(store: Store, name: str, alias: str) -> ModelVersion | None:
    """The version that has an alias; None if there is none, or no such model.

    Raises:
        TrackingError: The store did not answer.
    """
    client = store.client

    def find() -> ModelVersion | None:
        if not client.search_registered_models(f"name = '{name}'"):
            return None
        aliases = client.get_registered_model(name).aliases
        return client.get_model_version(name, str(aliases[alias])) if alias in aliases else None

    return store.again(find)


def aliases_of(store: Store, run_id: str) -> list[str]:
    """The aliases of the versions that were made from a run, each as `models:/<name>@<alias>`.

    Raises:
        TrackingError: The store did not answer.
    """
    client = store.client

    def find() -> list[str]:
        found = []
        for version in client.search_model_versions(f"run_id = '{run_id}'"):
            aliases = client.get_registered_model(version.name).aliases
            found += [
                f"models:/{version.name}@{alias}"
                for alias, number in aliases.items()
                if str(number) == str(version.version)
            ]
        return found

    return store.again(find)


def set_alias(
    store: Store,
    name: str,
    version: str,
    alias: str,
    tags: Mapping[str, str] | None = None,
    description: str | None = None,
) -> None:
    """Tag and describe a version, then move an alias to it.

    Raises:
        TrackingError: The store did not answer, or refused.
    """
    client = store.client

    def move() -> None:
        for key, value in (tags or {}).items():
            client.set_model_version_tag(name, version, key, value)
        if description is not None:
            client.update_model_version(name, version, description)
        client.set_registered_model_alias(name, alias, version)

    store.again(move)
