"""Evaluations: a registered model on the test images of a data set, as a run of its own."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import FmsearchError
from ...models.confusion import Confusion, accuracy_interval, classification_report
from ...models.data import DataSet, load_test
from ...places import Places
from ...text import markdown, one_line
from ...tracking.registered import if_there
from ...tracking.run_record import (
    TAG_DATA,
    TAG_EVALUATED,
    TAG_MODEL_ID,
    TAG_NOTE,
    TAG_ROLE,
    RunRecord,
    Status,
)
from ...tracking.saved_views import run_address
from ...tracking.store import Store
from ..environment import here
from ..runs.artifacts import Artifacts, TrainingDone
from ..runs.schema import EVALUATION
from ..runs.schema_types import write
from ..runs.values import data_input, metrics

if TYPE_CHECKING:
    from ...tracking.registered import RegisteredModel

BATCH = 1_000
LEAST = 1e-7
"""As Keras, so that the loss of a wrong answer that is sure of itself stays finite."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What came out on the test images.

    Attributes:
        model: Its name and version.
        confusion: Counts; rows are true classes, columns predicted ones.
        loss: Mean categorical cross-entropy, in nats.
        started_at, ended_at: Milliseconds since 1970, UTC.
    """

    model: str
    data: DataSet
    confusion: Confusion
    loss: float
    started_at: int
    ended_at: int

    @property
    def images(self) -> int:
        return int(np.sum(self.confusion))

    @property
    def accuracy(self) -> float:
        return int(np.trace(self.confusion)) / self.images

    @property
    def interval(self) -> tuple[float, float]:
        """Of the accuracy: 95 %, by Wilson's score."""
        return accuracy_interval(int(np.trace(self.confusion)), self.images)

    @cached_property
    def classes(self) -> list[dict[str, Any]]:
        """Of each class: name, precision, recall, F1 and number of images."""
        numbered = [str(number) for number in range(len(self.confusion))]
        report = classification_report(self.confusion, numbered)
        return [
            {
                "class": name,
                "precision": report[number]["precision"],
                "recall": report[number]["recall"],
                "f1": report[number]["f1-score"],
                "images": int(report[number]["support"]),
            }
            for number, name in zip(numbered, self.data.class_names, strict=True)
        ]


def check_goes_with(model: RegisteredModel, data: DataSet) -> None:
    """Check that a model can be asked about the images of a data set.

    Where either has no names of classes but their numbers, these need be as many.

    Raises:
        FmsearchError: It takes other images, or tells other classes apart.
    """
    ours, theirs = model.class_names, data.class_names
    if _without_channel(model.image_shape) != _without_channel(data.image_shape):
        raise FmsearchError(
            f"{model.title} takes images of {_said(model.image_shape)}; those of {data.name} are "
            f"{_said(data.image_shape)}"
        )
    if len(ours) != len(theirs):
        raise FmsearchError(
            f"{model.title} tells {len(ours)} classes apart; {data.name} has {len(theirs)}"
        )
    numbers = tuple(str(number) for number in range(len(ours)))
    if ours != theirs and numbers not in (ours, theirs):
        place = next(place for place, one in enumerate(ours) if one != theirs[place])
        raise FmsearchError(
            f"class {place} of {model.title} is {ours[place]!r}, of {data.name} {theirs[place]!r}"
        )


def _without_channel(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape[:2] if shape[2:] == (1,) else shape


def _said(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def evaluate(
    model: RegisteredModel, data: DataSet, on_images: Callable[[int], None] = lambda count: None
) -> Evaluation:
    """Ask a model about all test images.

    Args:
        model, data: For which `check_goes_with` holds; where the data have no names of classes,
            the model's are taken.
        on_images: Told how many more images are answered.
    """
    started_at = time.time_ns() // 1_000_000
    test = load_test(data.prepared)
    classes = len(model.class_names)
    confusion, losses = np.zeros((classes, classes), np.int64), 0.0
    for start in range(0, len(test), BATCH):
        pixels, labels = test.pixels[start : start + BATCH], test.labels[start : start + BATCH]
        answers = model.probabilities(pixels.reshape(-1, *model.image_shape))
        np.add.at(confusion, (labels, answers.argmax(axis=1)), 1)
        right = answers[np.arange(len(labels)), labels].astype(np.float64)
        losses += float(-np.log(np.clip(right, LEAST, 1 - LEAST)).sum())
        on_images(len(labels))
    if data.class_names == tuple(str(number) for number in range(classes)):
        data = replace(data, class_names=model.class_names)
    return Evaluation(
        model=model.title,
        data=data,
        confusion=tuple(map(tuple, confusion.tolist())),
        loss=losses / len(test),
        started_at=started_at,
        ended_at=time.time_ns() // 1_000_000,
    )


def log_evaluation(store: Store, places: Places, model: RegisteredModel, done: Evaluation) -> str:
    """Make its run, in the experiment of the model's run; if that is gone, in the store's.

    The same version and the same data give the same run: the one that is there.

    Returns:
        The run's id.

    Raises:
        TrackingError: The store did not answer, or refused.
    """
    home, experiment = _home(store, model)
    if experiment not in ("", places.experiment):
        store = Store(replace(places, experiment=experiment), create=False)
    with tempfile.TemporaryDirectory() as folder:
        return store.ship(_record(model, done, home, Path(folder)))


def _home(store: Store, model: RegisteredModel) -> tuple[str, str]:
    """The address of the run that a model comes from, and its experiment; empty if gone."""
    if not model.version.run_id:
        return "", ""
    found = store.again(if_there(lambda: store.client.get_run(str(model.version.run_id))))
    if found is None:
        return "", ""
    info = found.info
    experiment = store.again(lambda: store.client.get_experiment(info.experiment_id))
    if "deleted" in (info.lifecycle_stage, experiment.lifecycle_stage):
        return "", ""
    return run_address(info.experiment_id, info.run_id), str(experiment.name)


def _record(model: RegisteredModel, done: Evaluation, home: str, folder: Path) -> RunRecord:
    low, high = done.interval
    heading = f"{done.model} on {done.data.name}: test accuracy {done.accuracy:.4f}"
    training = TrainingDone(
        on=Artifacts(done.data), heading=heading, confusion=done.confusion, history=()
    )
    made = write(EVALUATION.artifacts_of(frozenset()), training, folder)
    values = {
        "test_accuracy": done.accuracy,
        "test_accuracy_low": low,
        "test_accuracy_high": high,
        "test_loss": done.loss,
    }
    comes_from = f" [The run that it comes from]({home})." if home else ""
    note = (
        f"{markdown(one_line(heading))} (95 % interval {low:.4f} to {high:.4f}, {done.images:,} "
        f"images).{comes_from}"
    )
    version = model.version
    return RunRecord(
        name=f"{version.name}-{version.version} on {done.data.name}",
        identity={
            TAG_ROLE: "evaluation",
            TAG_DATA: done.data.sha256,
            TAG_EVALUATED: f"{version.name}/{version.version}",
            TAG_MODEL_ID: model.model_id or "none",
        },
        tags={TAG_NOTE: note, **here().tags, **made.missing},
        metrics=metrics(values, done.ended_at),
        status=Status.FINISHED,
        started_at=done.started_at,
        ended_at=done.ended_at,
        artifacts=made.folder,
        data=data_input(done.data, "evaluation"),
        measured=model.model_id,
    )
