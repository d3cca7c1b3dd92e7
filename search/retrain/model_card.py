"""What is said of a registered model: its card, and the description of its version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...models.confusion import Confusion, accuracy_interval, classification_report
from ...models.data import DataSet
from ...text import markdown, one_line
from ..result import Result
from ..space.score_words import score_words
from ..storage.study_config import StudyConfig
from ..trial import Trial

MODEL_CARD = "model_card.md"
"""The artifact of a final run that has its model's card."""
MOST_PAIRS = 5
MOST_CLASSES = 100


@dataclass(frozen=True)
class Origin:
    """Where a model comes from: its study, the study's data set, and the trial.

    Attributes:
        why: As in `Choice`.
        trained_on: How many images it was trained on; None for all training images.
    """

    study: StudyConfig
    data: DataSet
    trial: Trial
    why: str
    trained_on: int | None = None

    @property
    def images(self) -> str:
        """On how many training images it was trained, in words."""
        count = sum(self.data.train_counts)
        some = "all" if self.trained_on is None else f"{self.trained_on:,} of"
        return f"{some} {count:,} training images"

    @property
    def score(self) -> str:
        """The trial's score, and what it is, in words."""
        return score_words(self.study.space, self.trial.score or 0.0, self.trial.metrics)

    @property
    def parameters(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self.trial.parameters.items())


def accuracy_text(accuracy: float, images: int) -> str:
    """An accuracy with its interval."""
    low, high = accuracy_interval(round(accuracy * images), images)
    return f"{accuracy:.4f} (95 % interval {low:.4f} to {high:.4f}, {images:,} images)"


def version_text(
    origin: Origin, metrics: Mapping[str, float], *, epochs: int, address: str, gate: str
) -> str:
    """The description of a version, in Markdown.

    Args:
        origin: Of its model.
        metrics: Of its run.
        epochs: For which it was trained.
        address: Of its run in MLflow's UI.
        gate: How it came to its alias.
    """
    data, trial = origin.data, origin.trial
    accuracy = accuracy_text(metrics["test_accuracy"], sum(data.test_counts))
    lines = [
        f"Test accuracy {accuracy}.",
        f"Trial {trial.number} of the study {origin.study.name}, chosen as {origin.why}; score "
        f"{origin.score}. Trained for {epochs} epochs on {origin.images} of "
        f"{markdown(one_line(data.name))} (SHA-256 {data.sha256}).",
        f"Parameters: {markdown(one_line(origin.parameters))}.",
        f"Gate: {gate}.",
        f"[Its run]({address}), with {MODEL_CARD} among the artifacts. It takes raw uint8 images "
        f"(n, {', '.join(map(str, data.image_shape))}) and gives probabilities.",
    ]
    return "\n\n".join(lines)


def model_card(origin: Origin, result: Result) -> str:
    """The card of a model that was trained on all training images, in Markdown."""
    study, data, trial = origin.study, origin.data, origin.trial
    shape = " x ".join(map(str, data.image_shape))
    names = [markdown(one_line(name)) for name in data.class_names]
    listed = ", ".join(names) if len(names) <= MOST_CLASSES else f"{len(names):,} classes"
    accuracy = accuracy_text(result.metrics["test_accuracy"], sum(data.test_counts))
    settings = ", ".join(f"{name} {value}" for name, value in result.settings.items())
    return f"""\
# {study.name}, trial {trial.number}

**For** images of {shape} like those of {markdown(one_line(data.name))}, to be told apart as:
{listed}. It answers with one of these whatever an image shows; it was tested on
no other photographs, sizes or polarities.

**Takes** raw uint8 images (n, {", ".join(map(str, data.image_shape))}), 0 to 255.
**Gives** float32 probabilities (n, {len(names)}), in the order of the classes.

**Data**: {sum(data.train_counts):,} training and {sum(data.test_counts):,} test images, SHA-256
{data.sha256}.

**Chosen** among the trials of the study {study.name} as {origin.why};
its score: {origin.score}. Test images played no part in that.

**Trained** on {origin.images} with seed {result.seed}: {markdown(one_line(settings))}.
{result.parameters:,} parameters.

**Test accuracy**: {accuracy}, evaluated once; loss {result.metrics["test_loss"]:.4f}.

## Each class
{_classes(result.confusion, names)}

## Confused most often
{_pairs(result.confusion, names)}
"""


def _classes(confusion: Confusion, names: list[str]) -> str:
    if len(names) > MOST_CLASSES:
        return "The run's `classification_report.json` has them."
    report = classification_report(confusion, [str(number) for number in range(len(names))])
    lines = ["| class | precision | recall | F1 | images |", "|---|---|---|---|---|"]
    for number, name in enumerate(names):
        one = report[str(number)]
        numbers = (f"{one[key]:.3f}" for key in ("precision", "recall", "f1-score"))
        lines.append(f"| {name} | {' | '.join(numbers)} | {one['support']:.0f} |")
    return "\n".join(lines)


def _pairs(confusion: Confusion, names: list[str]) -> str:
    counts = np.array(confusion)
    np.fill_diagonal(counts, 0)
    order = np.argsort(counts, axis=None, kind="stable")[::-1][:MOST_PAIRS]
    pairs = [np.unravel_index(place, counts.shape) for place in order]
    lines = [
        f"- {names[true]}, taken for {names[taken]}: {counts[true, taken]} images"
        for true, taken in pairs
        if counts[true, taken]
    ]
    return "\n".join(lines) or "None."
