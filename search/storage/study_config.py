"""What a study is, as the storage keeps it, so that only the same study resumes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ...errors import FmsearchError
from ..space.load import read_space
from ..space.reader import NAME
from ..space.space import Space
from .ownership import HEARTBEAT

ID = re.compile(r"[0-9a-f]{0,12}")


@dataclass(frozen=True, kw_only=True)
class StudyConfig:
    """What a study is, so that only the same study resumes it.

    Attributes:
        space: What is searched; the storage has its YAML.
        data: The data set's spec, as `--data` takes it.
        train_images: How many training images are used; None for all.
        sampler, pruner, lag: As in `Strategy`.
        keep_models: As in `Plan`, of the last session.
        heartbeat: As in `Plan`, of the first session: all workers judge by it.
        trials, target_score: As in `Limits`, of the last session.
        enqueue: As in `Plan`, of the last session.
        versions: Of the packages on which numbers depend, of the last session; empty where an
            earlier version of fmsearch wrote it.
        id: Drawn when the study is made, so that studies of one name in two storages that share
            an MLflow store are not taken for each other.
    """

    name: str
    space: Space
    data: str
    data_sha256: str
    seed: int
    train_images: int | None
    sampler: str = ""
    pruner: str = ""
    lag: int = 0
    keep_models: int | None = None
    heartbeat: int = HEARTBEAT
    trials: int | None = None
    target_score: float | None = None
    enqueue: bool = True
    versions: Mapping[str, str] = field(default_factory=dict, compare=False)
    id: str = field(default="", compare=False)

    @classmethod
    def of(cls, name: str, stored: Any) -> StudyConfig:
        """Read what `to_store` gave.

        Raises:
            FmsearchError: It is not what this version writes. Name and id become a folder's name:
                what could lead out of it is refused.
        """
        try:
            texts = [stored.get(key, "") for key in ("name", "space", "data", "id")]
            is_whole = all(isinstance(one, str) for one in texts) and texts[0] == name
            if not is_whole or not NAME.fullmatch(name) or not ID.fullmatch(texts[-1]):
                raise FmsearchError(f"the record of the study {name!r} is damaged")
            space = read_space(texts[1], f"the recorded space of {name!r}")
            return cls(**{**stored, "space": space})
        except (TypeError, AttributeError) as error:
            raise FmsearchError(
                f"the study {name!r} was recorded by another version of fmsearch ({error})"
            ) from error

    def to_store(self) -> dict[str, Any]:
        """What the storage keeps, as JSON has it."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {**values, "space": self.space.text, "versions": dict(self.versions)}

    @property
    def label(self) -> str:
        """Name and id, as a folder's name."""
        return f"{self.name}-{self.id}"

    def differences(self, other: StudyConfig) -> list[str]:
        """What makes the other one another study; its space's text and its data may have moved."""
        pairs = {
            "space": (_meaning(self.space), _meaning(other.space)),
            "data set": (self.data_sha256, other.data_sha256),
            "seed": (self.seed, other.seed),
            "number of --train-images": (self.train_images, other.train_images),
            f"--sampler ({other.sampler})": (self.sampler, other.sampler),
            f"--pruner ({other.pruner})": (self.pruner, other.pruner),
            "answer to --reproducible": (bool(self.lag), bool(other.lag)),
        }
        return [what for what, (ours, theirs) in pairs.items() if ours != theirs]


def _meaning(space: Space) -> Space:
    return replace(space, about="", text="", trials=None, published=(), sampler="", pruner="")
