"""Rows of the report's table: published and measured numbers of each experiment."""

from __future__ import annotations

from dataclasses import dataclass

from .catalogue import Experiment
from .outcomes import Outcomes
from .statistics import mean, prediction_interval, spread

NEAR = 0.010
HEADER = (
    *("experiment", "published", "ours, mean ± s (n)", "difference", "95 % prediction interval"),
    *("agrees", "parameters published", "ours"),
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One metric of an experiment.

    Attributes:
        id: The experiment's id.
        what: `test accuracy`, `score over folds` or `test loss`.
        published: None if nothing was published.
        ours: The measured values, one for each seed.
        parameters: Numbers of parameters, published and ours; None where unknown.
    """

    id: str
    what: str
    published: float | None
    ours: tuple[float, ...]
    parameters: tuple[int | None, int | None]

    @property
    def difference(self) -> float | None:
        """Our mean minus the published value."""
        return None if self.published is None else mean(self.ours) - self.published

    @property
    def inside(self) -> bool | None:
        """Whether the published value is inside our runs' 95 % prediction interval; None if nothing
        was published, or there is only one run."""
        interval = prediction_interval(self.ours)
        if self.published is None or interval is None:
            return None
        return interval[0] <= self.published <= interval[1]

    @property
    def agrees(self) -> str:
        """Whether the published value is inside the prediction interval or near our mean."""
        if self.difference is None:
            return "nothing published"
        if self.inside:
            return "yes, within the interval"
        near = abs(self.difference) <= NEAR
        return f"yes, within {NEAR:.3f}" if near else f"no, by {abs(self.difference):.4f}"

    @property
    def cells(self) -> tuple[str, ...]:
        """The row's texts, in the order of `HEADER`."""
        interval = prediction_interval(self.ours)
        single = len(self.ours) == 1
        return (
            f"{self.id}, {self.what}",
            _number(self.published),
            f"{mean(self.ours):.4f} (1)"
            if single
            else f"{mean(self.ours):.4f} ± {spread(self.ours):.4f} ({len(self.ours)})",
            "" if self.difference is None else f"{self.difference:+.4f}",
            "" if interval is None else f"{interval[0]:.4f} to {interval[1]:.4f}",
            self.agrees,
            *("" if count is None else f"{count:,}" for count in self.parameters),
        )


def rows_of(outcomes: Outcomes) -> list[Row]:
    """A row for each experiment, and one more for each published loss."""
    return [row for one in outcomes.experiments for row in _rows(one, outcomes)]


def _rows(experiment: Experiment, outcomes: Outcomes) -> list[Row]:
    published = experiment.published
    ours = tuple(outcomes.accuracies(experiment.id))
    if experiment.is_grid:
        return [
            Row(
                id=experiment.id,
                what="score over folds",
                published=published.score,
                ours=ours,
                parameters=(None, None),
            )
        ]
    results = outcomes.trained[experiment.id]
    counts = (published.parameters, results[0].parameters)
    rows = [
        Row(
            id=experiment.id,
            what="test accuracy",
            published=published.test_accuracy,
            ours=ours,
            parameters=counts,
        )
    ]
    if published.test_loss is not None:
        losses = tuple(one.metrics["test_loss"] for one in results)
        rows.append(
            Row(
                id=experiment.id,
                what="test loss",
                published=published.test_loss,
                ours=losses,
                parameters=(None, None),
            )
        )
    return rows


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
