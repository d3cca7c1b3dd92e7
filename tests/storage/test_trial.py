"""Trials: a state and its score belong together."""

import pytest

from fmsearch.search.trial import State, Trial


def test_a_trial_cannot_be_complete_without_a_score() -> None:
    with pytest.raises(ValueError, match="trial 0 is complete with score None"):
        Trial(0, {}, State.COMPLETE)
