"""Paired comparison: what is kept of a classifier's answers, and what they tell."""

from __future__ import annotations

import numpy as np
import pytest

from fmsearch.models.paired import Pair, packed, unpacked


@pytest.mark.parametrize("count", [0, 1, 8, 9, 1000])
def test_flags_are_kept_as_text(count: int) -> None:
    flags = np.random.default_rng(0).random(count) < 0.9
    text = packed(flags)
    np.testing.assert_array_equal(unpacked(text, count), flags)
    assert len(text) <= count / 6 + 5
    for other in (count + 8, count - 8):
        with pytest.raises(ValueError, match="flags"):
            unpacked(text, other)


def test_the_two_sided_test_is_of_a_difference_in_either_direction() -> None:
    assert Pair(8, 1, 100).p_different == Pair(1, 8, 100).p_different == 10 / 2**8
    assert Pair(0, 0, 0).p_different == 1
    assert Pair(0, 0, 0).difference == 0
