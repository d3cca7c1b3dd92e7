"""Entities: what a run is to hold, as MLflow's client takes it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from .run_record import MOST_TAG_CHARACTERS, DataInput, Metric

if TYPE_CHECKING:
    from mlflow import entities

    Batch = tuple[list[entities.Metric], list[entities.Param], list[entities.RunTag]]


def batch(
    metrics: Iterable[Metric],
    params: Mapping[str, str],
    tags: Mapping[str, str],
    *,
    model_id: str | None = None,
    data: DataInput | None = None,
) -> Batch:
    """What `log_batch` takes; tags are cut to the length that MLflow keeps.

    Args:
        metrics, params, tags: Of the run.
        model_id: Of its model, which gets the last value of each metric, too.
        data: What these were measured on.
    """
    from mlflow import entities

    metrics = list(metrics)  # MLflow's UI keeps their order
    last = {one.name: one for one in sorted(metrics, key=lambda one: one.step)}
    whose = {"model_id": model_id}
    if data is not None:
        whose |= {"dataset_name": data.name, "dataset_digest": digest(data)}

    def made(one: Metric) -> entities.Metric:
        more = whose if model_id and one is last[one.name] else {}
        return entities.Metric(one.name, one.value, one.measured_at, one.step, **more)

    return (
        [made(one) for one in metrics],
        [entities.Param(name, value) for name, value in params.items()],
        [entities.RunTag(name, value[:MOST_TAG_CHARACTERS]) for name, value in tags.items()],
    )


def digest(data: DataInput) -> str:
    """As much of a data set's SHA-256 as MLflow keeps; a tag has it whole."""
    return data.sha256[:36]


def dataset_input(data: DataInput) -> entities.DatasetInput:
    """What `log_inputs` takes for a data set."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    dataset = Dataset(
        name=data.name,
        digest=digest(data),
        source_type="local",
        source=data.source,
        profile=json.dumps(dict(data.profile)),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", data.use)])


def model_inputs(model_id: str) -> list[entities.LoggedModelInput] | None:
    """What `log_inputs` takes for a model that a run measures; empty for none."""
    from mlflow.entities import LoggedModelInput

    return [LoggedModelInput(model_id)] if model_id else None
