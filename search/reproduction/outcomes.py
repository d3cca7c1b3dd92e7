"""Outcomes: the results of a reproduction's experiments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...models.settings import Value
from ..result import Result
from ..space.parameters import Point
from ..trial import Trial, ranking
from .catalogue import Catalogue, Experiment


@dataclass(frozen=True)
class Chosen:
    """The open settings of a training, as a study chose them.

    Attributes:
        study: The study's name.
        score: The best trial's accuracy on validation images.
        trials: Number of trials.
        point: The best trial's parameters and, as `epochs`, its best epoch.
    """

    study: str
    score: float
    trials: int
    point: Point


@dataclass(frozen=True)
class Searched:
    """A grid, searched with one seed.

    Attributes:
        study: The name of the study that searched it.
        trials: All trials, which are finished.
    """

    study: str
    seed: int
    trials: tuple[Trial, ...]

    @property
    def best(self) -> Trial:
        return ranking(self.trials)[0]

    def rank(self, point: Mapping[str, Value]) -> int:
        """The rank of a point of the grid, from 1, as in `GridSearchCV`: equal scores share one."""
        scores = {trial.number: trial.score or 0.0 for trial in self.trials}
        found = next(one for one in self.trials if dict(one.parameters) == dict(point))
        return 1 + sum(score > scores[found.number] for score in scores.values())


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """All results of a reproduction.

    Attributes:
        experiments: The experiments that were done, in the catalogue's order.
        trained: By id of a training, the results, by seed from 0.
        searched: By id of a grid, the searches, by seed from 0.
        chosen: By id of a training with open settings, the chosen ones.
        rehearsal: What was less than published, in words; empty for a full reproduction.
    """

    catalogue: Catalogue
    experiments: Sequence[Experiment]
    trained: Mapping[str, Sequence[Result]]
    searched: Mapping[str, Sequence[Searched]]
    chosen: Mapping[str, Chosen]
    class_names: Sequence[str]
    rehearsal: str

    def accuracies(self, experiment: str) -> list[float]:
        """The numbers to compare with the published one, one for each seed: test accuracies of a
        training, or the best scores of a grid; empty if the experiment was not done."""
        if experiment in self.searched:
            return [one.best.score or 0.0 for one in self.searched[experiment]]
        return [one.metrics["test_accuracy"] for one in self.trained.get(experiment, ())]

    def gaps(self, experiment: str) -> list[float]:
        """Accuracy on a training's own images minus that on test images, both without dropout."""
        return [
            one.metrics["fit_accuracy"] - one.metrics["test_accuracy"]
            for one in self.trained.get(experiment, ())
        ]
