"""Versions: a run's model becomes a version of a registered model, and fights for its alias."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ...tracking.registry import register_version
from ...tracking.run_record import TAG_STUDY
from ...tracking.saved_views import run_address
from ...tracking.store import Store
from ..trial import Trial
from .gate import Answers
from .model_card import Origin, version_text
from .promotion import Promotion

if TYPE_CHECKING:
    from mlflow.entities import Run

log = logging.getLogger(__name__)

TESTED = ("test_accuracy", "test_loss")
"""What a run whose model is registered says of it, on the test images."""


@dataclass(frozen=True, kw_only=True)
class Registered:
    """A model version and what it was made from.

    Attributes:
        name, version: In the registry.
        promotion: The alias that it got, and what the gate said.
        trial: The trial whose parameters it has.
        test_accuracy: In [0, 1].
        test_loss: Mean categorical cross-entropy, in nats.
    """

    name: str
    version: str
    promotion: Promotion
    trial: Trial
    epochs: int
    test_accuracy: float
    test_loss: float


def enter(
    store: Store,
    name: str,
    origin: Origin,
    run: Run,
    answers: Answers,
    epochs: int,
    fight: Callable[[str, Answers, Callable[[str], str]], Promotion],
) -> Registered:
    """Make a version of a run's model, unless it is one, and let it fight for its alias.

    Args:
        store, name: Of the registry, and the model's.
        origin, epochs: Of the run's model.
        run: Has the model and what it reached on the test images.
        answers: The model's, or its gate model's.
        fight: `promote`, of a version.
    """
    log.info("registering")
    version = register_version(store, name, run.info.run_id, tags=_tags(run))
    got = fight(version, answers, partial(_describe, origin, run, epochs))
    return Registered(
        name=name,
        version=version,
        promotion=got,
        trial=origin.trial,
        epochs=epochs,
        **_tested(run),
    )


def _tested(run: Run) -> dict[str, float]:
    return {key: run.data.metrics[key] for key in TESTED}


def _tags(run: Run) -> dict[str, str]:
    accuracy = _tested(run)["test_accuracy"]
    return {TAG_STUDY: run.data.tags[TAG_STUDY], "test_accuracy": f"{accuracy:.4f}"}


def _describe(origin: Origin, run: Run, epochs: int, gate: str) -> str:
    address = run_address(run.info.experiment_id, run.info.run_id)
    return version_text(origin, run.data.metrics, epochs=epochs, address=address, gate=gate)
