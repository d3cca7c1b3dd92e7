"""The setup of a study's trainers, from what the study is: the same whenever it is trained."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...errors import FmsearchError
from ...models.data import DataSet
from ...models.metrics import find_metric
from ...models.settings import Scoring
from ...models.split import Fold, Split, cut_folds
from ..space.space import Space
from .jobs import TrainerSetup

Labels = npt.NDArray[np.int32]
Parts = tuple[Split, Labels]


def trainer_setup(space: Space, data: DataSet, parts: Parts | None = None) -> TrainerSetup:
    """What the numbers of a training depend on, but for its job.

    Args:
        space, data: Of the study.
        parts: The split of the training images and their labels; None for a final training, which
            takes all of them.

    Raises:
        FmsearchError: The images cannot be cut into such folds, or not be scored by the metric.
    """
    folds = () if parts is None else _folds(space, *parts)
    if parts is not None:
        _check_metric(space, len(data.class_names), folds, parts[1])
    return TrainerSetup(
        data=data.prepared,
        classes=len(data.class_names),
        model=space.model,
        parameters=(*space.parameters, *space.fixed),
        folds=folds,
        scoring=space.scoring,
        metric=space.metric,
        most_parameters=space.most_parameters,
    )


def _folds(space: Space, split: Split, labels: Labels) -> tuple[Fold, ...]:
    if space.scoring is not Scoring.CROSS_VALIDATION:
        return (Fold(split.train, split.validation),)
    return cut_folds(split.train, space.folding, labels)


def _check_metric(space: Space, classes: int, folds: Sequence[Fold], labels: Labels) -> None:
    scored = min(len(np.unique(labels[fold.validation])) for fold in folds)
    if reason := find_metric(space.metric).fault(classes, scored):
        raise FmsearchError(f"score.metric: {space.metric} {reason}")
