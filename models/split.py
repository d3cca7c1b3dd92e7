"""The split of the training images into those to train on and those to score on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import FmsearchError

Rows = npt.NDArray[np.int32]

SPLIT_SEED = 0
"""One split for every study of a data set, so that their scores can be compared."""


@dataclass(frozen=True)
class Split:
    """Row numbers of the training images, int32, each part in random order.

    Attributes:
        train: 75 % of the rows: trained on, or cut into folds.
        validation: Two thirds of the rest, on which hold-out trials are scored.
        gate: The last third, on which no trial is scored: a new champion is compared with the old
            one on it.
    """

    train: Rows
    validation: Rows
    gate: Rows


@dataclass(frozen=True)
class Folding:
    """How rows are cut into folds; the default is the published grid's.

    Attributes:
        folds: In how many.
        stratified: Whether each fold has the classes in the shares of all rows.
        shuffle: Whether they are drawn at random, from `SPLIT_SEED`; else they are consecutive.
        repeats: How often the rows are shuffled and cut.
    """

    folds: int
    stratified: bool = False
    shuffle: bool = False
    repeats: int = 1

    @property
    def total(self) -> int:
        """The number of folds, those of all repeats."""
        return self.folds * self.repeats

    @property
    def words(self) -> str:
        """As in `2 x 5 stratified, shuffled folds`."""
        times = f"{self.repeats} x " if self.repeats > 1 else ""
        kind = {"stratified": self.stratified, "shuffled": self.shuffle}
        adjectives = ", ".join(word for word, is_so in kind.items() if is_so)
        return f"{times}{self.folds} {adjectives} folds".replace("  ", " ")


@dataclass(frozen=True)
class Fold:
    """Rows to train on and rows to score on, which do not overlap."""

    train: Rows
    validation: Rows


def split_rows(labels: npt.NDArray[np.int32], use: int | None = None) -> Split:
    """Split training rows 75 % / 25 % as published, by scikit-learn's `train_test_split`.

    The seed (`SPLIT_SEED`) and stratification by class are chosen here; they were not published.

    Args:
        labels: int32, (n,), of all training images.
        use: Number of images to use, for a rehearsal; None for all.

    Raises:
        FmsearchError: `use` is more than all images, or fewer than 4 for each class.
    """
    from sklearn.model_selection import train_test_split  # 1.3 s of CPU: not for --help

    fewest = 4 * len(np.unique(labels))
    if use is None:
        use = len(labels)
    elif not fewest <= use <= len(labels):
        raise FmsearchError(
            f"--train-images {use} is not from {fewest} (4 a class) to {len(labels)} (all)"
        )
    train, rest = train_test_split(
        np.arange(len(labels), dtype=np.int32),
        test_size=0.25,
        random_state=SPLIT_SEED,
        stratify=labels,
    )
    # Both parts are shuffled, so that their first rows are a random sample.
    train, rest = train[: use - use // 4], rest[: use // 4]
    held = len(rest) - len(rest) // 3
    return Split(train, rest[:held], rest[held:])


def cut_folds(rows: Rows, folding: Folding, labels: npt.NDArray[np.int32]) -> tuple[Fold, ...]:
    """Folds of rows, as scikit-learn cuts them: by `KFold` or `StratifiedKFold`, if they are
    shuffled by `RepeatedKFold` or `RepeatedStratifiedKFold`, whose first repeat is the same.

    Args:
        labels: int32, of all training images, of which `rows` are row numbers.

    Raises:
        FmsearchError: There are more folds than rows or, stratified, than rows of some class.
    """
    from sklearn import model_selection  # 1.3 s of CPU: not for --help

    if folding.folds > len(rows):
        raise FmsearchError(f"{folding.folds} folds are more than the {len(rows)} training images")
    counts = np.bincount(labels[rows], minlength=int(labels.max()) + 1)
    rarest = int(counts.argmin())
    if folding.stratified and folding.folds > counts[rarest]:
        raise FmsearchError(
            f"score.stratified: {folding.folds} folds want as many images of each class, and of "
            f"class {rarest} only {counts[rarest]} are among the {len(rows):,} to be cut"
        )
    options: dict[str, int] = {"n_splits": folding.folds}
    if folding.shuffle:
        options |= {"n_repeats": folding.repeats, "random_state": SPLIT_SEED}
    name = f"{'Repeated' * folding.shuffle}{'Stratified' * folding.stratified}KFold"
    splitter = getattr(model_selection, name)(**options)
    return tuple(
        Fold(rows[train], rows[held]) for train, held in splitter.split(rows, labels[rows])
    )
