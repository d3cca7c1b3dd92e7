"""The gate: which of two models' answers let a candidate pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from fmsearch.errors import FmsearchError
from fmsearch.models.data import describe
from fmsearch.models.split import split_rows
from fmsearch.search.retrain.gate import Answers, gate_rows, judge

from ..conftest import IMAGES


def answers(right: Sequence[int], images: int = 100) -> Answers:
    """Answers that are right on these images."""
    return Answers(
        data_sha256="d",
        rows_sha256="r",
        class_names=("shirt", "bag"),
        labels=(1,) * images,
        predicted=tuple(int(number in right) for number in range(images)),
    )


@pytest.mark.parametrize(
    ("alone", "passed", "says"),
    [
        ((8, 1), True, "right alone on 8 and 1; p = 0.02: better"),  # (1 + 9) / 2**9 = 0.0195
        ((7, 2), False, "p = 0.09: not shown to be better, which takes p < 0.05"),
        ((5, 0), True, "p = 0.031: better"),  # 1 / 2**5
        ((4, 0), False, "p = 0.062: not shown to be better, which takes p < 0.05"),
        ((0, 0), False, "p = 1: not better"),
        ((1, 8), False, "p = 1: not better"),
    ],
)
def test_only_one_that_is_better_by_an_exact_test_passes(alone, passed, says) -> None:  # type: ignore[no-untyped-def]
    mine, theirs = range(10, 10 + alone[0]), range(30, 30 + alone[1])
    verdict = judge(answers([*range(10), *mine]), answers([*range(10), *theirs]), "version 3")
    assert verdict.passed is passed
    assert verdict.reason.endswith(says)
    first, second = (10 + count for count in alone)
    said = f"accuracy {first / 100:.4f} on 100 gate images, version 3 {second / 100:.4f}; "
    assert verdict.reason.startswith(said)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"data_sha256": "e"}, "version 3 is of other data"),
        (
            {"data_sha256": "e", "class_names": ("shirt", "bag", "sandal")},
            "version 3 is of other classes (3, here 2)",
        ),
        ({"rows_sha256": "s"}, "version 3 had other gate images"),
    ],
)
def test_what_cannot_be_compared_does_not_pass(changes, reason) -> None:  # type: ignore[no-untyped-def]
    verdict = judge(answers(range(100)), replace(answers([]), **changes), "version 3")
    assert (verdict.passed, verdict.reason) == (False, f"no comparison: {reason}")


def test_a_champion_without_answers_stays() -> None:
    verdict = judge(answers(range(100)), None, "version 3")
    assert not verdict.passed
    assert verdict.reason.startswith("no comparison: version 3 has no answers to gate images")


def test_answers_are_read_as_they_were_written() -> None:
    one = answers([3, 5])
    assert Answers.read(one.text) == one
    for text in ("", "[]", "{}", one.text.replace('"labels": [1, ', '"labels": [')):
        with pytest.raises(FmsearchError, match=r"gate\.json is damaged"):
            Answers.read(text)


def test_no_trial_of_any_study_sees_a_gate_image() -> None:
    data = describe(str(IMAGES))
    gate, labels = set(gate_rows(data).tolist()), np.load(IMAGES)["y_train"]
    assert len(gate) == len(labels) // 12
    for use in (None, 40, 1_000, 2_000, 2_399):
        split = split_rows(labels.astype("int32"), use)
        assert not gate & {*split.train.tolist(), *split.validation.tolist()}
