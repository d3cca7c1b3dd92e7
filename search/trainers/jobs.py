"""Jobs: what a coordinator has its trainers do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...models.metrics import ACCURACY
from ...models.settings import Scoring, Value
from ...models.split import Fold, Rows


@dataclass(frozen=True, kw_only=True)
class TrainerSetup:
    """What a trainer needs once.

    Attributes:
        data: As `DataSet.prepared`; for a trial only the training part is used.
        model, parameters: Of the model family, as `find_family` takes them.
        folds: Rows of the training part.
        scoring: How trials are scored on the folds.
        metric: What their scores measure, as `find_metric` takes it.
        judged: Whether each score waits for a verdict, in which the coordinator may prune.
        most_parameters: A larger network is not trained; None for any size.
        keep_models: Whether a trial's result has its model.
        checkpoint_every: Seconds between two checkpoints.
    """

    data: str
    classes: int
    model: str
    parameters: tuple[str, ...]
    folds: tuple[Fold, ...] = ()
    scoring: Scoring = Scoring.VALIDATION
    metric: str = ACCURACY
    judged: bool = False
    most_parameters: int | None = None
    keep_models: bool = True
    checkpoint_every: float = 10.0


@dataclass(frozen=True, kw_only=True)
class TrialJob:
    """One training that answers one trial, or several that differ only in `epochs`.

    Attributes:
        epochs: Trial numbers and the epochs of each.
        settings: All settings but `epochs`.
        seed: Of the training.
        entries: The folder in the outbox for each trial's result.
        checkpoint: The file of its checkpoint.
        ending: Why the training is pruned as its checkpoint has it; empty to train.
    """

    epochs: Mapping[int, int]
    settings: Mapping[str, Value]
    seed: int
    entries: Mapping[int, Path]
    checkpoint: Path
    ending: str = ""


@dataclass(frozen=True, kw_only=True)
class FinalJob:
    """Training a model that is reported, and the one look at the test images; or its gate model.

    Attributes:
        settings, seed: As in `TrialJob`.
        epochs: How long to train.
        folder: Where the result and the model go.
        fold: Rows to train on, and to validate on; None to train on all, without validation.
        in_detail: Whether it is also measured on its own training images, without dropout, and
            its architecture is drawn.
        gate: Rows that are left out of the training of all, and answered at its end in place of
            the test images; the model is not kept. None for a model that is reported.
        trained: The Keras file of a network that is trained already: it only answers, and is not
            kept again. None for one that is to be trained.
    """

    settings: Mapping[str, Value]
    seed: int
    epochs: int
    folder: Path
    fold: Fold | None = None
    in_detail: bool = False
    gate: Rows | None = None
    trained: Path | None = None

    @property
    def checkpoint(self) -> Path:
        """The file of its checkpoint, beside the folder."""
        return self.folder.with_name(f"{self.folder.name}.npz")


@dataclass(frozen=True)
class CheckJob:
    """Building a user's own network, to see that it fits, and saving it.

    Attributes:
        settings: As in `TrialJob`.
        folder: Gets what a `LoadJob` needs.
    """

    settings: Mapping[str, Value]
    folder: Path


@dataclass(frozen=True)
class MetricJob:
    """Computing a user's own metric of answers that are drawn, to see that it can be computed."""


@dataclass(frozen=True)
class LatencyJob:
    """Measuring how long a network takes for one image; `settings` as in `TrialJob`.

    Attributes:
        file: Gets the seconds, as text.
    """

    settings: Mapping[str, Value]
    file: Path


@dataclass(frozen=True)
class LoadJob:
    """Loading what a `CheckJob` saved, and comparing its answers; for a process of its own.

    There the user's code is not, but for that which travels with the model.
    """

    folder: Path


Job = TrialJob | FinalJob | CheckJob | LoadJob | MetricJob | LatencyJob
