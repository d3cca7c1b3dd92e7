"""The plan of a reproduction: its experiments, its seeds, and the folders of its results."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from ...errors import FmsearchError
from ...models.data import DataSet
from ...models.families import FAMILIES
from ...models.kernels import kernels_for
from ...models.settings import Value
from ...models.split import Fold, Split
from ...places import Places
from ..trainers.jobs import FinalJob
from ..trial import training_seed
from .catalogue import Catalogue, Experiment
from .outcomes import Chosen

SEEDS = {"mlp": 5, "cnn": 3}
"""Default number of seeds of each experiment, by model family; a grid counts as mlp."""
CONFIG_FILE = "reproduction.json"


@dataclass(frozen=True)
class ReproductionConfig:
    """A reproduction's config on disk, by which other options are refused.

    Attributes:
        data_sha256, train_images, epochs: As in `ReproductionPlan`.
        kernels: The library that computes final models, by model family. Empty if an earlier
            version of fmsearch began the reproduction: TensorFlow goes on choosing.
        id: Drawn when the reproduction is begun.
    """

    data_sha256: str
    train_images: int | None
    epochs: int | None
    id: str = ""
    kernels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ReproductionPlan:
    """A reproduction to run or to continue.

    Attributes:
        name: Also the beginning of its studies' names.
        jobs: Number of trainers.
        experiments: The experiments of the catalogue that are to be done.
        seeds: Number of seeds of each experiment; None for `SEEDS`.
        train_images: Number of training images to use; None for all.
        epochs: The most epochs of a training; None for as many as published.
        checkpoint_every: Seconds between two checkpoints of a training.
    """

    name: str
    data: DataSet
    places: Places
    jobs: int
    catalogue: Catalogue
    experiments: tuple[Experiment, ...]
    seeds: int | None = None
    train_images: int | None = None
    epochs: int | None = None
    checkpoint_every: float = 10.0

    @property
    def folder(self) -> Path:
        """The folder of all results, from which an interrupted reproduction continues."""
        return self.places.home / "reproductions" / self.name

    @property
    def rehearsal(self) -> str:
        """What is less than published, in words; empty for a full reproduction."""
        parts = [
            f"{self.train_images:,} training images" if self.train_images else "",
            f"at most {self.epochs} epoch{'s' * (self.epochs != 1)}" if self.epochs else "",
        ]
        return " and ".join(part for part in parts if part)

    def seeds_of(self, experiment: Experiment) -> range:
        """The seeds of an experiment, from 0."""
        family = "mlp" if experiment.is_grid else self.catalogue.model(experiment)
        return range(self.seeds or SEEDS[family])

    def entry(self, experiment: Experiment, seed: int) -> Path:
        """The folder of an experiment's result."""
        return self.folder / f"{self.name}-{experiment.id}-s{seed}"

    def job(
        self, experiment: Experiment, seed: int, split: Split, chosen: Chosen | None
    ) -> FinalJob:
        """The job of a training, which as published is validated on the whole rest of 25 %."""
        settings: dict[str, Value] = self.catalogue.settings(
            experiment, chosen.point if chosen else {}
        )
        epochs = int(settings.pop("epochs"))
        held = np.concatenate([split.validation, split.gate])
        fold = Fold(split.train, held)
        if experiment.all_images:
            fold = Fold(np.concatenate([split.train, held]), held[:0])
        return FinalJob(
            settings=settings,
            seed=training_seed(seed, settings, experiment.id),
            epochs=epochs,
            folder=self.entry(experiment, seed),
            fold=fold,
            in_detail=True,
        )

    def open_config(self) -> ReproductionConfig:
        """Read this reproduction's config from disk; it is written first if there is none.

        Raises:
            FmsearchError: It differs from this plan, or is damaged.
        """
        path = self.folder / CONFIG_FILE
        wanted = ReproductionConfig(self.data.sha256, self.train_images, self.epochs)
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            kernels = {name: kernels_for(family.kernels) for name, family in FAMILIES.items()}
            made = replace(wanted, id=uuid.uuid4().hex[:12], kernels=kernels)
            part.write_text(json.dumps(asdict(made)), "utf-8")
            part.replace(path)
        found = _read(path)
        pairs: Mapping[str, tuple[object, object]] = {
            "data set": (found.data_sha256, wanted.data_sha256),
            "number of --train-images": (found.train_images, wanted.train_images),
            "number of --epochs": (found.epochs, wanted.epochs),
        }
        if differing := [what for what, (then, now) in pairs.items() if then != now]:
            raise FmsearchError(
                f"the reproduction {self.name!r} was begun with another {', '.join(differing)}; "
                "give this one a --name of its own"
            )
        return found


def _read(path: Path) -> ReproductionConfig:
    try:
        return ReproductionConfig(**json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise FmsearchError(
            f"{path} is damaged ({error}); delete {path.parent} or give another --name"
        ) from error
