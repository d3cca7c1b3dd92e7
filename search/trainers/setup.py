"""The setup of a study's trainers, from what the study is: the same whenever it is trained."""

from __future__ import annotations

from ...errors import FmsearchError
from ...models.data import DataSet
from ...models.settings import Scoring
from ...models.split import Fold, Split, cut_folds
from ..space.space import Space
from .jobs import TrainerSetup


def trainer_setup(space: Space, data: DataSet, split: Split | None = None) -> TrainerSetup:
    """What the numbers of a training depend on, but for its job.

    Args:
        space, data: Of the study.
        split: Of the training images; None for a final training, which takes all of them.

    Raises:
        FmsearchError: There are more folds than images.
    """
    return TrainerSetup(
        data=data.prepared,
        classes=len(data.class_names),
        model=space.model,
        parameters=(*space.parameters, *space.fixed),
        folds=() if split is None else _folds(space, split),
        scoring=space.scoring,
        most_parameters=space.most_parameters,
    )


def _folds(space: Space, split: Split) -> tuple[Fold, ...]:
    if space.scoring is not Scoring.CROSS_VALIDATION:
        return (Fold(split.train, split.validation),)
    if space.folds > len(split.train):
        raise FmsearchError(
            f"{space.folds} folds are more than the {len(split.train)} training images"
        )
    return cut_folds(split.train, space.folds)
