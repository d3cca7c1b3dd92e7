"""Entities: what a run is to hold, as MLflow's client takes it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from .run_record import MOST_TAG_CHARACTERS, DataInput, Metric

if TYPE_CHECKING:
    from mlflow import entities

    Batch = tuple[list[entities.Metric], list[entities.Param], list[entities.RunTag]]


def batch(metrics: Iterable[Metric], params: Mapping[str, str], tags: Mapping[str, str]) -> Batch:
    """What `log_batch` takes; tags are cut to the length that MLflow keeps."""
    from mlflow import entities

    return (
        [entities.Metric(one.name, one.value, one.measured_at, one.step) for one in metrics],
        [entities.Param(name, value) for name, value in params.items()],
        [entities.RunTag(name, value[:MOST_TAG_CHARACTERS]) for name, value in tags.items()],
    )


def dataset_input(data: DataInput) -> entities.DatasetInput:
    """What `log_inputs` takes for a data set."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    dataset = Dataset(
        name=data.name,
        digest=data.sha256[:36],  # the most that MLflow keeps; a tag has it whole
        source_type="local",
        source=data.source,
        profile=json.dumps(dict(data.profile)),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])
