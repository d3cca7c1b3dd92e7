"""The config of a study, as the storage has it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ...errors import FmsearchError
from ..environment import kernels_in
from ..space.load import read_space
from ..space.reader import NAME
from ..space.space import Space
from .ownership import HEARTBEAT

ID = re.compile(r"[0-9a-f]{0,12}")


@dataclass(frozen=True, kw_only=True)
class StudyConfig:
    """A study's config, by which a session with other options is refused.

    Attributes:
        space: Stored as YAML.
        data: The data set's spec, as in `--data`.
        train_images: Number of training images that are used; None for all.
        sampler, pruner, lag: As in `Strategy`.
        keep_models, enqueue: As in `Plan`, of the last session.
        heartbeat: As in `Plan`, of the first session, because all workers must use the same.
        trials, target_score, patience: As in `Limits`, of the last session.
        versions: Versions of the packages on which numbers depend, of the last session; empty if
            an earlier version of fmsearch wrote the config.
        id: Drawn when the study is created. It distinguishes studies of the same name in two
            storages that share an MLflow store.
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
    patience: int | None = None
    enqueue: bool = True
    versions: Mapping[str, str] = field(default_factory=dict, compare=False)
    id: str = field(default="", compare=False)

    @classmethod
    def of(cls, name: str, stored: Any) -> StudyConfig:
        """Read what `to_store` returned.

        Raises:
            FmsearchError: This version would not write it. Name and id become the name of a folder,
                so that a path out of it is refused.
        """
        try:
            texts = [stored.get(key, "") for key in ("name", "space", "data", "id")]
            is_whole = all(isinstance(one, str) for one in texts) and texts[0] == name
            if not is_whole or not NAME.fullmatch(name) or not ID.fullmatch(texts[-1]):
                raise FmsearchError(f"the record of the study {name!r} is damaged")
            space = read_space(texts[1], f"the recorded space of {name!r}", recorded=True)
            return cls(**{**stored, "space": space})
        except (TypeError, AttributeError) as error:
            raise FmsearchError(
                f"the study {name!r} was recorded by another version of fmsearch ({error})"
            ) from error

    def to_store(self) -> dict[str, Any]:
        """What the storage has of it, as values of JSON."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {**values, "space": self.space.text, "versions": dict(self.versions)}

    @property
    def kernels(self) -> str:
        """The library that computes; empty if it was not chosen, as by earlier versions."""
        return kernels_in(self.versions)

    @property
    def label(self) -> str:
        """Name and id, for the name of a folder."""
        return f"{self.name}-{self.id}"

    def differences(self, other: StudyConfig) -> list[str]:
        """What differs, in words. The text of the space and the path of the data may differ."""
        pairs = {
            "space": (_meaning(self.space), _meaning(other.space)),
            "data set": (self.data_sha256, other.data_sha256),
            "seed": (self.seed, other.seed),
            "number of --train-images": (self.train_images, other.train_images),
            f"--sampler ({other.sampler})": (self.sampler, other.sampler),
            f"--pruner ({other.pruner})": (self.pruner, other.pruner),
            "answer to --reproducible": (bool(self.lag), bool(other.lag)),
        }
        if other.kernels:
            pairs[f"library of kernels ({other.kernels})"] = (self.kernels, other.kernels)
        return [what for what, (ours, theirs) in pairs.items() if ours != theirs]


def _meaning(space: Space) -> Space:
    return replace(
        space, about="", text="", trials=None, patience=None, published=(), sampler="", pruner=""
    )
