"""The operations of a training step, as `benchmarks/flops.py` counts them."""

from __future__ import annotations

from pathlib import Path

import pytest

from fmsearch.models.families import FAMILIES


def test_the_operations_of_cnn_4_are_those_counted_by_hand() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
        from flops import CNN_4, forward_operations, step_operations
    family = FAMILIES["cnn"]
    model = family.make((28, 28), 10, family.complete(CNN_4))
    first = 2 * 28 * 28 * 9 * 1 * 32
    others = [14 * 14 * 9 * 32 * 32, 7 * 7 * 9 * 32 * 64, 3 * 3 * 9 * 64 * 128, 128 * 128, 1280]
    assert forward_operations(model) == [first, *(2 * one for one in others)]
    # Outputs, weights' gradients, and inputs' gradients: of the first layer nobody needs those.
    assert step_operations(model) == 2 * first + 3 * 2 * sum(others)
