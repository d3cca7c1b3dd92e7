"""Artifacts of a study: one function writes each, and its docstring says what it shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...models import figures
from ...models.data import DataSet, Images, load_training
from ...models.split import Split
from ..storage.study_config import StudyConfig
from ..trial import Trial
from .tables import cv_results_csv, trials_csv

if TYPE_CHECKING:
    from optuna import Study


@dataclass(frozen=True, kw_only=True)
class StudySoFar:
    """What the artifacts of a study are made from.

    Attributes:
        split: Of the training images.
        trials: As they are now.
        optuna_study: Gives the study as Optuna's own; there where a search is drawn.
    """

    config: StudyConfig
    data: DataSet
    split: Split
    trials: Sequence[Trial]
    optuna_study: Callable[[], Study] | None

    @cached_property
    def images(self) -> Images:
        return load_training(self.data.prepared)


def space(study: StudySoFar, file: Path) -> None:
    """The space, as it was read."""
    file.write_text(study.config.space.text, "utf-8")


def class_samples(study: StudySoFar, file: Path) -> None:
    """A training image of each class."""
    figures.save_class_samples(file, study.images, study.data.class_names)


def class_distribution(study: StudySoFar, file: Path) -> None:
    """How many images of each class are for training, validation and test."""
    names, split = study.data.class_names, study.split
    held = np.concatenate([split.validation, split.gate])
    counts = {
        part: np.bincount(study.images.labels[rows], minlength=len(names)).tolist()
        for part, rows in (("training", split.train), ("validation", held))
    }
    counts["test"] = list(study.data.test_counts)
    figures.save_class_distribution(file, counts, names)


def trials_table(study: StudySoFar, file: Path) -> None:
    """A row for each trial."""
    file.write_text(trials_csv(study.trials), "utf-8")


def cv_results_table(study: StudySoFar, file: Path) -> None:
    """Complete trials, as scikit-learn's `cv_results_`."""
    file.write_text(cv_results_csv(study.trials), "utf-8")


def search_figures(study: StudySoFar, file: Path) -> None:
    """Figures of the search on one page; beside it each as PNG."""
    from .search_figures import draw  # loads plotly

    if study.optuna_study is None:
        raise ValueError(f"nobody gave the search of {study.config.name!r}")
    draw(study.optuna_study(), study.config.space.objectives, file)
