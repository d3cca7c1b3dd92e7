"""The gate: images on which a candidate meets the present champion, and who passes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from ...errors import FmsearchError
from ...models.data import DataSet, load_training
from ...models.paired import Pair
from ...models.split import Rows, split_rows

GATE = "gate.json"
"""The artifact of a final run that has its `Answers`."""
SIGNIFICANT = 0.05
"""A candidate passes with a smaller one-sided p: an equal or worse one does in less than 5 %."""


def gate_rows(data: DataSet) -> Rows:
    """The gate images of a data set, as rows of its training images.

    They are the same for every study, those with `--train-images` too, whose trials use the first
    rows of each part of the split and so none of these.
    """
    return split_rows(load_training(data.prepared).labels).gate


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What a model that was trained without the gate images answers to them.

    Attributes:
        data_sha256: Of the data set.
        rows_sha256: Of the gate images' row numbers.
        class_names: In the order of the labels.
        labels, predicted: True and predicted class of each gate image.
    """

    data_sha256: str
    rows_sha256: str
    class_names: tuple[str, ...]
    labels: tuple[int, ...]
    predicted: tuple[int, ...]

    @classmethod
    def of(cls, data: DataSet, rows: Rows, predicted: Sequence[int]) -> Answers:
        """Of a model that gave these classes to the rows of a data set."""
        return cls(
            data_sha256=data.sha256,
            rows_sha256=hashlib.sha256(rows.astype("<i4").tobytes()).hexdigest(),
            class_names=data.class_names,
            labels=tuple(load_training(data.prepared).labels[rows].tolist()),
            predicted=tuple(predicted),
        )

    @classmethod
    def read(cls, text: str) -> Answers:
        """Read what `text` gave.

        Raises:
            FmsearchError: It is something else.
        """
        try:
            fields = json.loads(text)
            for name in ("class_names", "labels", "predicted"):
                fields[name] = tuple(fields[name])
            answers = cls(**fields)
            answers.right.all()
        except (ValueError, TypeError, LookupError) as error:
            raise FmsearchError(f"{GATE} is damaged ({error})") from error
        return answers

    @property
    def text(self) -> str:
        """As JSON, for the artifact."""
        return json.dumps(asdict(self))

    @property
    def right(self) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Whether each answer is right, bool (n,)."""
        return np.asarray(np.array(self.labels) == np.array(self.predicted), bool).reshape(
            len(self.labels)
        )

    @property
    def accuracy(self) -> float:
        """Share of right answers; 0 of no images."""
        return float(self.right.mean()) if self.labels else 0.0


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether a candidate takes the champion's place.

    Attributes:
        passed: Whether it does.
        reason: Why, or why not, in a line.
        pair: How both did on the gate images; None where they could not be compared.
    """

    passed: bool
    reason: str
    pair: Pair | None = None


def judge(candidate: Answers, champion: Answers | None, holder: str) -> Verdict:
    """Compare a candidate with the champion, by McNemar's exact test, one-sided.

    Two that cannot be compared leave the champion in its place: only a better one becomes it.

    Args:
        candidate, champion: Their answers; None where the champion has none on record.
        holder: Names the champion in the reason, as `version 1`.
    """
    if champion is None:
        return Verdict(
            passed=False,
            reason=f"no comparison: {holder} has no answers to gate images on record, as an "
            "earlier fmsearch or another program registered it",
        )
    if champion.data_sha256 != candidate.data_sha256:
        classes = len(champion.class_names), len(candidate.class_names)
        differ = "other classes" if champion.class_names != candidate.class_names else "other data"
        counts = f" ({classes[0]}, here {classes[1]})" if classes[0] != classes[1] else ""
        return Verdict(passed=False, reason=f"no comparison: {holder} is of {differ}{counts}")
    if champion.rows_sha256 != candidate.rows_sha256:
        return Verdict(passed=False, reason=f"no comparison: {holder} had other gate images")
    pair = Pair.of(candidate.right, champion.right)
    p = pair.p_better
    reason = (
        f"accuracy {candidate.accuracy:.4f} on {pair.images:,} gate images, {holder} "
        f"{champion.accuracy:.4f}; right alone on {pair.first} and {pair.second}; p = {p:.2g}"
    )
    passed = p < SIGNIFICANT
    return Verdict(passed=passed, reason=f"{reason}: {_in_words(pair, passed=passed)}", pair=pair)


def _in_words(pair: Pair, *, passed: bool) -> str:
    if passed:
        return "better"
    if pair.difference > 0:
        return f"not shown to be better, which takes p < {SIGNIFICANT}"
    return "not better"
