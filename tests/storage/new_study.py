"""A study in a storage, for workers to join."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fmsearch.models.data import describe
from fmsearch.search.environment import here
from fmsearch.search.space.load import read_space
from fmsearch.search.storage.storage import open_storage
from fmsearch.search.storage.stored_study import StoredStudy
from fmsearch.search.storage.study_config import StudyConfig
from fmsearch.search.trial import Trial

SEARCH = """\
name: search
model: mlp
engine: optuna
score: {by: validation}
fixed: {hidden_units: 8, batch_size: 64, epochs: 1, optimizer: adam}
trials: 3
parameters: {dropout_rate: {float: [0.0, 0.5]}}
"""
HEARTBEAT = 2


def make(url: str, images: Path, space: str = SEARCH, **more: Any) -> StoredStudy:
    """A new study in a storage, on which nobody has worked yet."""
    found = describe(str(images))
    config = StudyConfig(
        **{
            "name": read_space(space, "space").name,
            "space": read_space(space, "space"),
            "data": found.spec,
            "data_sha256": found.sha256,
            "seed": 0,
            "train_images": 200,
            "sampler": "random",
            "pruner": "none",
            "heartbeat": HEARTBEAT,
            "trials": 3,
            "versions": here().computing,
            **more,
        }
    )
    return open_storage(url).open_study(config)


def trials(url: str, study: str) -> list[Trial]:
    return open_storage(url).study(study).trials()
